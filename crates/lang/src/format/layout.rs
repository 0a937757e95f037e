//! Where lines break. A [`Sheet`] is text with places where it may break, in groups: a group that
//! fits stays on its line, otherwise it breaks at all of its places. The pieces stand in one flat
//! list with running sums of their widths, so each decision is a subtraction and all of them
//! together take linear time.

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of one level.
const INDENT: usize = 2;

/// A part of a sheet.
enum Piece<'a> {
    /// Printed as it is. Only strings have line breaks in them.
    Text(&'a str),
    /// `flat`, or `lead` and a new line.
    Line { flat: &'static str, lead: &'static str, has_blank: bool },
    /// Printed only where the group is broken.
    Comma,
    /// Printed only where the group is broken.
    Brace,
    /// A comment that goes to the end of the line on which it stands.
    Comment(&'a str),
    /// Begins the group of this index.
    Open(usize),
    /// Ends the innermost group.
    Close,
    /// Begins what is indented where the group is broken.
    Indent,
    /// Ends it.
    Dedent,
}

#[derive(Default)]
struct Group {
    /// The piece that closes it.
    end: usize,
    /// Its first place to break, if it is a block.
    block: Option<usize>,
    /// Whether what it ends with, a block, was begun.
    has_tail: bool,
    /// The last group in its tail that was closed.
    last: Option<usize>,
    /// The first place to break in the block that it ends with.
    tail_block: Option<usize>,
    demand: Demand,
}

/// What a group cannot be, whatever its width.
#[derive(Clone, Copy, Default, PartialEq)]
enum Demand {
    #[default]
    None,
    /// Something in its last block breaks.
    NotFlat,
    /// One of its own places breaks, or something before its last block.
    Broken,
}

/// How a group is printed.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// On one line, with all that is in it.
    Flat,
    /// Its own places do not break; the block at its end decides for itself.
    Hugging,
    Broken,
}

/// A group that is being printed.
#[derive(Clone, Copy)]
struct Layer {
    mode: Mode,
    /// Where the block begins that it ends with, if it is hugging.
    block: usize,
    /// Where it ends, if it is hugging, and all groups around it that are: no line ends between the
    /// end of its block and there.
    end: Option<usize>,
}

impl Layer {
    const ROOT: Layer = Layer::plain(Mode::Broken);

    const fn plain(mode: Mode) -> Layer {
        Layer { mode, block: 0, end: None }
    }
}

/// Text with places to break.
#[derive(Default)]
pub(super) struct Sheet<'a> {
    pieces: Vec<Piece<'a>>,
    groups: Vec<Group>,
    /// Groups that are not closed, outermost first.
    open: Vec<usize>,
}

impl<'a> Sheet<'a> {
    pub(super) fn text(&mut self, text: &'a str) {
        self.pieces.push(Piece::Text(text));
    }

    /// A place to break; `flat` stands there otherwise.
    pub(super) fn line(&mut self, flat: &'static str, has_blank: bool) {
        self.pieces.push(Piece::Line { flat, lead: "", has_blank });
    }

    /// The first place to break in what is embraced by more than one line.
    pub(super) fn block_line(&mut self, flat: &'static str) {
        if let Some(group) = self.open.last() {
            self.groups[*group].block = Some(self.pieces.len());
        }
        self.line(flat, false);
    }

    /// `{` and a new line, or else nothing.
    pub(super) fn brace_line(&mut self) {
        self.pieces.push(Piece::Line { flat: "", lead: "{", has_blank: false });
    }

    /// `}`, if the line behind its `{` is broken.
    pub(super) fn closing_brace(&mut self) {
        self.pieces.push(Piece::Brace);
    }

    /// `,`, if the line behind it is broken.
    pub(super) fn trailing_comma(&mut self) {
        self.pieces.push(Piece::Comma);
    }

    /// A comment for the end of the line that a broken place ends. That place must follow.
    pub(super) fn comment(&mut self, comment: &'a str) {
        self.pieces.push(Piece::Comment(comment));
    }

    pub(super) fn open(&mut self) {
        // What broke in the tail of the group around was not its block yet.
        if let Some(around) = self.open.last()
            && let Some(last) = self.groups[*around].last
            && self.groups[last].demand != Demand::None
        {
            self.groups[*around].demand = Demand::Broken;
        }
        self.open.push(self.groups.len());
        self.pieces.push(Piece::Open(self.groups.len()));
        self.groups.push(Group::default());
    }

    pub(super) fn close(&mut self) {
        if let Some(group) = self.open.pop() {
            let last = self.groups[group].last.map(|last| &self.groups[last]);
            let tail_block = last.and_then(|last| last.block.or(last.tail_block));
            self.groups[group].tail_block = tail_block;
            self.groups[group].end = self.pieces.len();
            if let Some(around) = self.open.last()
                && self.groups[*around].has_tail
            {
                self.groups[*around].last = Some(group);
            }
        }
        self.pieces.push(Piece::Close);
    }

    /// What follows in the innermost group is a block, such as a record, and ends the group.
    pub(super) fn tail(&mut self) {
        if let Some(group) = self.open.last() {
            self.groups[*group].has_tail = true;
        }
    }

    pub(super) fn indent(&mut self) {
        self.pieces.push(Piece::Indent);
    }

    pub(super) fn dedent(&mut self) {
        self.pieces.push(Piece::Dedent);
    }

    /// Breaks the innermost group. Groups around it cannot be flat then.
    pub(super) fn break_here(&mut self) {
        for (depth, group) in self.open.iter().rev().enumerate() {
            let group = &mut self.groups[*group];
            let known = group.demand;
            let is_tail = depth > 0 && group.has_tail;
            if !is_tail {
                group.demand = Demand::Broken;
            } else if known == Demand::None {
                group.demand = Demand::NotFlat;
            }
            // What is around a group with a demand knows it already.
            if known != Demand::None {
                return;
            }
        }
    }

    /// The text, laid out.
    pub(super) fn print(&self) -> String {
        let measures = self.measures();
        let mut printer = Printer::default();
        let mut layers = vec![Layer::ROOT];
        for (at, piece) in self.pieces.iter().enumerate() {
            let layer = layers.last().copied().unwrap_or(Layer::ROOT);
            let mode = layer.mode;
            match piece {
                Piece::Text(text) => printer.text(text),
                Piece::Line { lead, has_blank, .. } if mode == Mode::Broken => {
                    printer.text(lead);
                    printer.line(*has_blank);
                }
                Piece::Line { flat, .. } => printer.text(flat),
                Piece::Comma if mode == Mode::Broken => printer.text(","),
                Piece::Brace if mode == Mode::Broken => printer.text("}"),
                Piece::Comma | Piece::Brace => {}
                Piece::Comment(comment) => printer.comments.push(comment),
                Piece::Open(group) if mode != Mode::Flat => {
                    let group = &self.groups[*group];
                    let left = WIDTH.saturating_sub(printer.column);
                    layers.push(measures.layer(group, at, left, layer));
                }
                Piece::Open(_) => layers.push(layer),
                Piece::Close => drop(layers.pop()),
                Piece::Indent => printer.indent(mode == Mode::Broken),
                Piece::Dedent => drop(printer.indents.pop()),
            }
        }
        let is_ended = printer.out.is_empty() || printer.is_new;
        if !is_ended {
            printer.line(false);
        }
        printer.out
    }

    fn measures(&self) -> Measures {
        let length = self.pieces.len();
        let mut measures = Measures {
            flat: vec![0; length + 1],
            broken: vec![0; length + 1],
            stops: vec![Stops { line: length, text: length }; length + 1],
            heads: vec![0; length + 1],
        };
        for (at, piece) in self.pieces.iter().enumerate() {
            let (flat, broken) = piece.widths();
            measures.flat[at + 1] = measures.flat[at] + flat;
            measures.broken[at + 1] = measures.broken[at] + broken;
        }
        for (at, piece) in self.pieces.iter().enumerate().rev() {
            let mut stops = measures.stops[at + 1];
            match piece {
                Piece::Text(text) => {
                    if let Some((head, _)) = text.split_once('\n') {
                        (stops.line, stops.text) = (at, at);
                        measures.heads[at] = head.chars().count();
                    }
                }
                Piece::Line { lead, .. } => {
                    stops.line = at;
                    measures.heads[at] = lead.len();
                }
                _ => {}
            }
            measures.stops[at] = stops;
        }
        measures
    }
}

impl Piece<'_> {
    /// Its width in a group that is flat, and in one that is broken.
    fn widths(&self) -> (usize, usize) {
        match self {
            Piece::Text(text) => {
                let width = text.chars().count();
                (width, width)
            }
            Piece::Line { flat, .. } => (flat.len(), 0),
            Piece::Comma | Piece::Brace => (0, 1),
            Piece::Comment(_) | Piece::Open(_) | Piece::Close | Piece::Indent | Piece::Dedent => {
                (0, 0)
            }
        }
    }
}

/// What is known about the pieces before anything is printed.
struct Measures {
    /// The width of all pieces before each, in groups that are flat.
    flat: Vec<usize>,
    /// The same in groups that are broken.
    broken: Vec<usize>,
    stops: Vec<Stops>,
    /// How much of a stop itself stands on the line that it ends.
    heads: Vec<usize>,
}

/// From some piece on, the first one of each kind.
#[derive(Clone, Copy)]
struct Stops {
    /// Where a line may end.
    line: usize,
    /// Where one ends even in a flat group: a string with a line break in it.
    text: usize,
}

impl Measures {
    /// How to print the group that opens at `at` in `around`, where so many columns are left. What
    /// stands behind it up to the next possible break must fit too.
    fn layer(&self, group: &Group, at: usize, left: usize, around: Layer) -> Layer {
        // What stands before the block of a hugging group fits; that was the condition.
        if group.end < around.block {
            return Layer::plain(Mode::Flat);
        }
        let end = around.end.unwrap_or(group.end);
        let text = self.stops[at].text;
        let width = if text < end {
            self.flat[text] - self.flat[at] + self.heads[text]
        } else {
            let stop = self.stops[end].line;
            let behind = self.broken[stop] - self.broken[end] + self.heads[stop];
            self.flat[end] - self.flat[at] + behind
        };
        if group.demand == Demand::None && width <= left {
            return Layer::plain(Mode::Flat);
        }
        let hugs = |block: usize| {
            let stop = text.min(block);
            self.flat[stop] - self.flat[at] + self.heads[stop] <= left
        };
        match group.tail_block.filter(|block| group.demand != Demand::Broken && hugs(*block)) {
            Some(block) => Layer { mode: Mode::Hugging, block, end: Some(end) },
            None => Layer::plain(Mode::Broken),
        }
    }
}

#[derive(Default)]
struct Printer<'a> {
    out: String,
    /// The width of the last line.
    column: usize,
    /// Whether only its indentation belongs to it yet, which is not written before something else is.
    is_new: bool,
    /// Indentation, outermost first.
    indents: Vec<usize>,
    /// Comments for the end of the line.
    comments: Vec<&'a str>,
}

impl Printer<'_> {
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_new) {
            self.out.extend(std::iter::repeat_n(' ', self.column));
        }
        self.out.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn line(&mut self, has_blank: bool) {
        for comment in std::mem::take(&mut self.comments) {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.out.push_str(if has_blank { "\n\n" } else { "\n" });
        (self.column, self.is_new) = (self.indentation(), true);
    }

    fn indentation(&self) -> usize {
        self.indents.last().copied().unwrap_or(0)
    }

    fn indent(&mut self, is_broken: bool) {
        self.indents.push(self.indentation() + if is_broken { INDENT } else { 0 });
    }
}

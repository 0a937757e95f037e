//! Walks over the tokens while the syntax tree is printed, so that everything is printed as it is
//! spelled and no comment is lost.
//!
//! A comment is only ever printed where a line may break. One that stands anywhere else waits in
//! `waiting` for the end of the line, so that formatting a second time finds it where it would put
//! it.

use model::Span;

use super::comments::{Comment, Gap};
use super::layout::Sheet;
use crate::lexer::{Kind, Token, lex};
use crate::parser::match_brackets;

/// What a comma means that follows a `with` clause without braces.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Commas {
    /// The clause goes on exactly if an option follows.
    Free,
    /// The clause ends: directly in a record.
    Record,
    /// It might be read as a part of the clause around: directly in the value of an option or the
    /// argument of an annotation.
    Clause,
}

/// White space inside brackets that stay on one line.
pub(super) type Padding = &'static str;

pub(super) struct Writer<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    /// For each opening bracket the index of its closing one.
    closing: Vec<usize>,
    /// The next token.
    at: usize,
    /// Where the text begins that was not looked at yet: behind the last token or gap.
    read: usize,
    pub(super) sheet: Sheet<'a>,
    /// Comments that wait for the end of the line.
    waiting: Vec<&'a str>,
    /// Nothing breaks here: inside `${ }`.
    is_unbreakable: bool,
    /// The next list breaks exactly if the group around it does.
    pub(super) is_joined: bool,
    pub(super) commas: Commas,
}

impl<'a> Writer<'a> {
    /// A writer for a source without syntax errors.
    pub(super) fn new(source: &'a str) -> Writer<'a> {
        let tokens = lex(source, &mut Vec::new()).tokens;
        Writer {
            source,
            closing: match_brackets(&tokens),
            tokens,
            at: 0,
            read: 0,
            sheet: Sheet::default(),
            waiting: Vec::new(),
            is_unbreakable: false,
            is_joined: false,
            commas: Commas::Free,
        }
    }

    // Tokens.

    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    /// Whether the next token is this sign.
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token().kind, Kind::Sign(found) if found == sign)
    }

    /// What stands between the last token and the next one, and was not looked at before.
    fn gap(&mut self) -> Gap<'a> {
        let start = self.token().span.start as usize;
        let gap = Gap::read(&self.source[self.read..start], self.read == 0);
        self.read = start;
        gap
    }

    fn has_comment(&self) -> bool {
        self.source[self.read..self.token().span.start as usize].contains('#')
    }

    /// Lets the comments before the next token wait.
    fn wait(&mut self) {
        let gap = self.gap();
        self.waiting.extend(gap.trailing);
        self.waiting.extend(gap.own.iter().map(|comment| comment.text));
    }

    /// Goes on behind the next token and gives its text. Comments before it wait.
    pub(super) fn skip(&mut self) -> &'a str {
        self.wait();
        let Span { start, end } = self.token().span;
        self.read = end as usize;
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        &self.source[start as usize..end as usize]
    }

    /// Goes on behind the next token if it is this sign.
    pub(super) fn skip_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.skip();
        }
        found
    }

    /// Prints the next token as it is spelled.
    pub(super) fn copy(&mut self) {
        let text = self.skip();
        self.sheet.text(text);
    }

    /// Prints the next token, which must be this.
    pub(super) fn take(&mut self, text: &'static str) {
        if text == ">" && self.is_sign(">=") {
            return self.take_half();
        }
        let found = self.skip();
        debug_assert_eq!(found, text, "the tree has the order of the tokens");
        self.sheet.text(text);
    }

    /// Prints the `>` of `in x: List<Int>= []`, where the lexer sees `>=`.
    fn take_half(&mut self) {
        self.wait();
        self.sheet.text(">");
        let token = &mut self.tokens[self.at];
        token.kind = Kind::Sign("=");
        token.span.start += 1;
        self.read += 1;
    }

    /// Prints the rest of what is written up to `end`, one space behind each comma.
    pub(super) fn copy_up_to(&mut self, end: u32) {
        while self.token().span.start < end && self.token().kind != Kind::End {
            let is_comma = self.skip_sign(",");
            match is_comma {
                true if self.is_sign(")") => {}
                true => self.sheet.text(", "),
                false => self.copy(),
            }
        }
    }

    /// Passes over the parentheses that are around all of `span`; gives their number.
    pub(super) fn skip_opening(&mut self, span: Span) -> usize {
        let mut end = span.end;
        let mut count = 0;
        while self.is_sign("(") {
            let closing = self.closing[self.at];
            if self.tokens[closing].span.end != end {
                break;
            }
            end = closing.checked_sub(1).map_or(0, |before| self.tokens[before].span.end);
            self.skip();
            count += 1;
        }
        count
    }

    /// Passes over as many closing parentheses.
    pub(super) fn skip_closing(&mut self, count: usize) {
        for _ in 0..count {
            self.skip_sign(")");
        }
    }

    // Lines.

    /// A place to break, with the comments that belong there; `flat` stands there otherwise.
    pub(super) fn line(&mut self, flat: &'static str) {
        self.line_with(|sheet, has_blank| sheet.line(flat, has_blank), flat);
    }

    /// The first place to break in a block.
    pub(super) fn block_line(&mut self, flat: &'static str) {
        self.line_with(|sheet, _| sheet.block_line(flat), flat);
    }

    /// `{` and a new line, or nothing.
    pub(super) fn brace_line(&mut self) {
        self.line_with(|sheet, _| sheet.brace_line(), "");
    }

    fn line_with(&mut self, line: impl FnOnce(&mut Sheet<'a>, bool), flat: &'static str) {
        if self.is_unbreakable {
            return self.sheet.text(flat);
        }
        let gap = self.gap();
        self.end_line(&gap);
        line(&mut self.sheet, gap.begins_blank());
        self.own_lines(&gap.own, gap.has_blank);
    }

    /// Prints what goes to the end of the line, of which a place to break must follow.
    fn end_line(&mut self, gap: &Gap<'a>) {
        self.waiting.extend(gap.trailing);
        if !self.waiting.is_empty() || !gap.own.is_empty() {
            self.sheet.break_here();
        }
        for comment in self.waiting.drain(..) {
            self.sheet.comment(comment);
        }
    }

    /// Comments at the begin of a line, each with a new line behind it.
    fn own_lines(&mut self, comments: &[Comment<'a>], has_blank: bool) {
        for (at, comment) in comments.iter().enumerate() {
            self.sheet.text(comment.text);
            self.sheet.line("", comments.get(at + 1).map_or(has_blank, |next| next.has_blank));
        }
    }

    /// Comments before the first token.
    pub(super) fn head(&mut self) {
        let gap = self.gap();
        let is_end = self.token().kind == Kind::End;
        self.own_lines(&gap.own, gap.has_blank && !is_end);
    }

    /// Comments before a closing bracket or the end of the file.
    pub(super) fn foot(&mut self) {
        let gap = self.gap();
        self.end_line(&gap);
        for comment in &gap.own {
            self.sheet.line("", comment.has_blank);
            self.sheet.text(comment.text);
        }
    }

    /// The last place to break inside brackets.
    pub(super) fn closing_line(&mut self, flat: &'static str) {
        if !self.is_unbreakable {
            self.foot();
        }
        self.bare_closing_line(flat);
    }

    /// The same where no bracket is closed in the source, so that comments go to what follows.
    pub(super) fn bare_closing_line(&mut self, flat: &'static str) {
        self.sheet.dedent();
        if self.is_unbreakable {
            self.sheet.text(flat);
        } else {
            self.sheet.line(flat, false);
        }
    }

    /// What stands behind `=`, `->`, `:` or `=>`: on a line of its own if a comment is between.
    pub(super) fn value(&mut self, write: impl FnOnce(&mut Writer<'a>)) {
        if self.is_unbreakable || !self.has_comment() {
            self.sheet.text(" ");
            return write(self);
        }
        self.sheet.indent();
        self.line("");
        write(self);
        self.sheet.dedent();
    }

    // Forms.

    /// A group around what is written.
    pub(super) fn group(&mut self, write: impl FnOnce(&mut Writer<'a>)) {
        self.sheet.open();
        write(self);
        self.sheet.close();
    }

    /// Brackets around `items`. What does not fit goes one item per line.
    pub(super) fn list<T>(
        &mut self,
        (open, close): (&'static str, &'static str),
        padding: Padding,
        items: &'a [T],
        write: impl FnMut(&mut Writer<'a>, &'a T, Place),
    ) {
        self.take(open);
        let is_joined = std::mem::take(&mut self.is_joined);
        let write = |writer: &mut Writer<'a>| {
            if !items.is_empty() {
                writer.items(padding, items, write);
            } else if writer.has_comment() {
                writer.sheet.indent();
                writer.closing_line("");
            }
            writer.take(close);
        };
        if is_joined {
            write(self);
        } else {
            self.group(write);
        }
    }

    /// What stands between brackets.
    pub(super) fn items<T>(
        &mut self,
        padding: Padding,
        items: &'a [T],
        write: impl FnMut(&mut Writer<'a>, &'a T, Place),
    ) {
        self.sheet.indent();
        self.block_line(padding);
        self.separated(items, write);
        self.skip_sign(",");
        self.trailing_comma();
        self.closing_line(padding);
    }

    /// Items with commas between them.
    pub(super) fn separated<T>(
        &mut self,
        items: &'a [T],
        mut write: impl FnMut(&mut Writer<'a>, &'a T, Place),
    ) {
        for (at, item) in items.iter().enumerate() {
            let is_last = at + 1 == items.len();
            write(self, item, if is_last { Place::Last } else { Place::Before });
            if !is_last {
                self.take(",");
                self.line(" ");
            }
        }
    }

    /// A comma where the group is broken.
    pub(super) fn trailing_comma(&mut self) {
        if !self.is_unbreakable {
            self.sheet.trailing_comma();
        }
    }

    /// A `}` where the group is broken.
    pub(super) fn closing_brace(&mut self) {
        if !self.is_unbreakable {
            self.sheet.closing_brace();
        }
    }

    /// Inside brackets, where commas mean this.
    pub(super) fn inside(&mut self, commas: Commas, write: impl FnOnce(&mut Writer<'a>)) {
        let around = std::mem::replace(&mut self.commas, commas);
        write(self);
        self.commas = around;
    }

    /// Breaks what is written, even in a string.
    pub(super) fn broken(&mut self, write: impl FnOnce(&mut Writer<'a>)) {
        let around = std::mem::replace(&mut self.is_unbreakable, false);
        self.group(|writer| {
            writer.sheet.break_here();
            write(writer);
        });
        self.is_unbreakable = around;
    }

    /// A string as it is spelled; `write` is called for each interpolation.
    pub(super) fn text_of_string(&mut self, mut write: impl FnMut(&mut Writer<'a>)) {
        loop {
            match self.token().kind {
                Kind::Interpolate => {
                    self.copy();
                    let around = std::mem::replace(&mut self.is_unbreakable, true);
                    write(self);
                    self.is_unbreakable = around;
                    self.copy();
                }
                Kind::EndQuote | Kind::End => return self.copy(),
                _ => self.copy(),
            }
        }
    }
}

/// Where an item stands in its list.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Before,
    Last,
}

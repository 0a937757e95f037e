//! Declarations, their annotations, and where the next one begins.

use model::{Code, Diagnostic, Text};

use super::{Broken, Parsed, Parser, SignatureSyntax};
use crate::lexer::Kind;
use crate::syntax::{
    Annotation, Argument, ArgumentValue, Declaration, Expr, ExprKind, File, OutputForm, TypeExpr,
    TypeKind,
};

impl Parser<'_> {
    pub(super) fn file(&mut self, file: &mut File) {
        while self.peek().kind != Kind::End {
            let start = self.at;
            match self.declaration() {
                Ok(declaration) => file.declarations.push(declaration),
                Err(Broken) => self.recover(start),
            }
        }
        let has_output = file.declarations.iter().any(|d| matches!(d, Declaration::Output { .. }));
        if !has_output && self.diagnostics.is_empty() {
            let message = "the program delivers nothing";
            let help = "deliver a value with `out name`";
            self.report(Diagnostic::new(Code::E020, self.peek().span, message).help(help));
        }
    }

    /// Goes on at the next declaration, and beyond `start` in any case.
    fn recover(&mut self, start: usize) {
        if self.at == start {
            self.advance();
        }
        self.recover_here();
    }

    /// Goes on at the next declaration, which may begin right where a value was expected.
    fn recover_here(&mut self) {
        (self.nesting, self.height) = (0, 0);
        (self.projects, self.in_record, self.in_brackets) = (true, false, false);
        while self.peek().kind != Kind::End && !self.is_declaration() {
            self.advance();
        }
    }

    /// An expression, or what stands for one: the name that it was for is declared all the same, so
    /// that its uses are no further mistakes.
    fn value(&mut self) -> Expr {
        let span = self.peek().span;
        self.expr().unwrap_or_else(|Broken| {
            self.recover_here();
            Expr { kind: ExprKind::Broken, span }
        })
    }

    /// A type, or what stands for one.
    fn declared_type(&mut self) -> TypeExpr {
        let span = self.peek().span;
        self.ty().unwrap_or_else(|Broken| {
            self.recover_here();
            TypeExpr { kind: TypeKind::Broken, span }
        })
    }

    /// Whether a declaration begins here. No expression goes on like this.
    pub(super) fn is_declaration(&self) -> bool {
        let follows = self.word_at(1).is_some();
        match self.word_at(0) {
            Some("use" | "type" | "out") => follows,
            Some("in") => follows && self.is_sign_at(2, ":"),
            Some(_) => self.is_sign_at(1, "="),
            None => self.is_sign("@") && follows,
        }
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let doc = self.tokens.docs.get(&self.at).cloned();
        let mut annotations = Vec::new();
        while self.is_sign("@") {
            annotations.push(self.annotation()?);
        }
        let doc = doc.or_else(|| self.tokens.docs.get(&self.at).cloned());
        match self.word_at(0) {
            Some("in") => self.input(annotations, doc),
            Some("out") => self.output(annotations, doc),
            _ if !annotations.is_empty() => {
                let message = "an annotation stands before `in` or `out`";
                self.report(Diagnostic::new(Code::E026, annotations[0].span, message));
                self.plain_declaration(doc)
            }
            _ => self.plain_declaration(doc),
        }
    }

    fn plain_declaration(&mut self, doc: Option<Text>) -> Parsed<Declaration> {
        match self.word_at(0) {
            Some("use") => self.use_declaration(),
            Some("type") => {
                self.advance();
                let name = self.name("the name of a type")?;
                self.expect_sign("=")?;
                Ok(Declaration::Type { name, ty: self.declared_type(), doc })
            }
            Some(word) if self.is_sign_at(1, "=") || self.is_typed_binding(word) => {
                let name = self.name("the name of a binding")?;
                self.skip_type();
                self.expect_sign("=")?;
                Ok(Declaration::Binding { name, value: self.value(), doc })
            }
            _ => Err(self.unexpected("a declaration (`in`, `out`, `type`, `use` or `name = ..`)")),
        }
    }

    /// `name: Int = ..`, as other languages declare variables.
    fn is_typed_binding(&self, word: &str) -> bool {
        !super::is_reserved(word) && self.is_sign_at(1, ":")
    }

    /// A type where none is written, which is reported.
    fn skip_type(&mut self) {
        if self.is_sign(":") {
            self.unexpected("`=`");
            self.help("the type is known: leave it out");
            self.advance();
            let reported = self.diagnostics.len();
            self.declared_type();
            self.diagnostics.truncate(reported);
        }
    }

    fn use_declaration(&mut self) -> Parsed<Declaration> {
        let start = self.advance().span;
        let mut path = vec![self.name("the name of a namespace")?];
        while self.is_sign(".") {
            if !(self.touches(0) && self.touches(1)) {
                let unexpected = self.unexpected("a namespace without spaces");
                self.help("write it together: `stdlib.math`");
                return Err(unexpected);
            }
            self.advance();
            path.push(self.field_name("the rest of a namespace")?);
        }
        let alias =
            if self.take_word("as") { Some(self.name("the name of an alias")?) } else { None };
        Ok(Declaration::Use { path, alias, span: start.to(self.last_span()) })
    }

    fn input(&mut self, annotations: Vec<Annotation>, doc: Option<Text>) -> Parsed<Declaration> {
        self.advance();
        let name = self.name("the name of an input")?;
        if !self.is_sign(":") {
            let message = format!("the input `{}` has no type", name.text);
            let help = format!("write `in {}: String`, or another type", name.text);
            self.report(Diagnostic::new(Code::E021, name.span, message).help(help));
            return Err(Broken);
        }
        self.advance();
        let ty = self.declared_type();
        let default = if self.take_sign("=") { Some(self.value()) } else { None };
        Ok(Declaration::Input { name, ty, default, annotations, doc })
    }

    fn output(&mut self, annotations: Vec<Annotation>, doc: Option<Text>) -> Parsed<Declaration> {
        self.advance();
        let names_a_cell = self.word_at(0).is_some_and(|word| !super::is_reserved(word));
        let goes_on = [
            "(", ".", "?.", "[", "{", "+", "-", "*", "/", "%", "??", "==", "!=", "<", ">", "<=",
            ">=",
        ];
        if !names_a_cell || goes_on.iter().any(|sign| self.is_sign_at(1, sign)) {
            return self.unnamed_output();
        }
        let name = self.name("the name of an output")?;
        self.skip_type();
        let form = if self.take_sign("=") {
            OutputForm::Binding(self.value())
        } else if self.take_word("when") {
            OutputForm::When(self.condition()?)
        } else {
            OutputForm::Cell
        };
        Ok(Declaration::Output { name, form, annotations, doc })
    }

    /// `out` with an expression that has no name. What follows is read, so that its mistakes are
    /// found too.
    fn unnamed_output(&mut self) -> Parsed<Declaration> {
        let start = self.peek().span;
        if self.peek().kind == Kind::End || self.is_declaration() {
            return Err(self.unexpected("the name of an output"));
        }
        let value = self.expr()?;
        let source = self.text(value.span);
        let help = if source.len() <= 60 && !source.contains('\n') {
            format!("name it: `out result = {source}`")
        } else {
            "name it: `out result = ..`".to_owned()
        };
        let message = "`out` delivers a name, this is an expression";
        let place = if matches!(value.kind, ExprKind::Broken) { start } else { value.span };
        self.report(Diagnostic::new(Code::E025, place, message).help(help));
        let name = crate::syntax::Name { text: Text::default(), span: value.span };
        Ok(Declaration::Output {
            name,
            form: OutputForm::Broken,
            annotations: Vec::new(),
            doc: None,
        })
    }

    fn annotation(&mut self) -> Parsed<Annotation> {
        let start = self.advance().span;
        let name = self.field_name("the name of an annotation")?;
        let open = self.expect_sign("(")?;
        let (arguments, end) =
            self.inside(false, |parser| parser.list(open, ")", true, Self::argument))?;
        Ok(Annotation { name, arguments, span: start.to(end) })
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let is_named = self.word_at(0).is_some() && self.is_sign_at(1, ":");
        let name = if is_named {
            let name = self.field_name("the name of an argument")?;
            self.advance();
            Some(name)
        } else {
            None
        };
        let value = match self.peek().kind {
            Kind::Duration(ms) => ArgumentValue::Duration(ms, self.advance().span),
            _ => ArgumentValue::Expr(self.expr()?),
        };
        Ok(Argument { name, value })
    }

    pub(super) fn signature(&mut self) -> Parsed<SignatureSyntax> {
        let open = self.expect_sign("(")?;
        let (parameters, _) = self.list(open, ")", true, |parser| {
            let name = parser.name("the name of a parameter")?;
            parser.expect_sign(":")?;
            Ok((name, parser.ty()?))
        })?;
        self.expect_sign("->")?;
        Ok((parameters, self.ty()?))
    }
}

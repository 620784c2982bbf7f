//! A scanner for JSON texts (RFC 8259) that runs before any typed reading.
//!
//! It refuses what typed readers let pass: nesting deeper than [`MAX_DEPTH`],
//! an object with the same key twice (two parsers could read it differently)
//! and anything after the value.

mod pointer;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

pub use pointer::{Place, pointer_at, push_token};

/// Deepest nesting of arrays and objects accepted.
pub const MAX_DEPTH: usize = 16;

/// Longest piece of a caller's own text repeated in an error, in characters.
const MAX_ECHO: usize = 64;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Not well-formed; says what was expected.
    Syntax(&'static str),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// An object has this key twice.
    DuplicateKey(String),
    /// Something follows the value.
    TrailingData,
}

/// A refused text and the place of the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonFault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The line, from 1.
    pub line: usize,
    /// The byte within the line, from 1.
    pub column: usize,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Syntax(expected) => f.write_str(expected)?,
            FaultKind::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels")?,
            FaultKind::DuplicateKey(key) => write!(f, "the key \"{key}\" appears twice")?,
            FaultKind::TrailingData => f.write_str("text after the end of the value")?,
        }
        write!(f, " at line {}, column {}", self.line, self.column)
    }
}

impl std::error::Error for JsonFault {}

/// Checks that `bytes` is exactly one JSON text within the limits.
pub fn check(bytes: &[u8]) -> Result<(), JsonFault> {
    let mut scanner = Scanner::new(bytes, None);
    scanner.text().map_err(|kind| {
        let (line, column) = line_and_column(bytes, scanner.at);
        JsonFault { kind, line, column }
    })
}

/// Cuts a caller's own text to a length fit for an error message.
pub(crate) fn echo(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_ECHO)
        .collect()
}

fn line_and_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.split(|b| *b == b'\n').count();
    let column = before.rsplit(|b| *b == b'\n').next().map_or(0, <[u8]>::len) + 1;
    (line, column)
}

enum Step<'a> {
    Key(Cow<'a, str>),
    Item(usize),
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    target: Option<usize>,
    path: Vec<Step<'a>>,
    found: Option<String>,
}

type Scan<T> = Result<T, FaultKind>;

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8], target: Option<usize>) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            target,
            path: Vec::new(),
            found: None,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        if hit {
            self.at += 1;
        }
        hit
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn text(&mut self) -> Scan<()> {
        self.space();
        self.value()?;
        self.space();
        if self.peek().is_some() {
            return Err(FaultKind::TrailingData);
        }
        Ok(())
    }

    fn value(&mut self) -> Scan<()> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            Some(_) => return Err(FaultKind::Syntax("a value was expected")),
            None => return Err(FaultKind::Syntax("a value was expected, the text ended")),
        }
        self.note_target(start);
        Ok(())
    }

    /// Inner values end before the ones around them, so the first value that
    /// covers the target is the innermost.
    fn note_target(&mut self, start: usize) {
        let covered = self.target.is_some_and(|t| start <= t && t < self.at);
        if covered && self.found.is_none() {
            let mut pointer = String::new();
            for step in &self.path {
                match step {
                    Step::Key(key) => push_token(&mut pointer, key),
                    Step::Item(n) => push_token(&mut pointer, &n.to_string()),
                }
            }
            self.found = Some(pointer);
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Scan<()>) -> Scan<()> {
        if self.depth == MAX_DEPTH {
            return Err(FaultKind::TooDeep);
        }
        self.at += 1;
        self.depth += 1;
        inner(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn step(&mut self, step: impl FnOnce() -> Step<'a>) -> Scan<()> {
        if self.target.is_none() {
            return self.value();
        }
        self.path.push(step());
        self.value()?;
        self.path.pop();
        Ok(())
    }

    fn object(&mut self) -> Scan<()> {
        let mut seen: HashSet<Cow<'a, str>> = HashSet::new();
        self.space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(FaultKind::Syntax("a key in double quotes was expected"));
            }
            let start = self.at;
            let key = self.string()?;
            if !seen.insert(key.clone()) {
                self.at = start;
                return Err(FaultKind::DuplicateKey(echo(&key)));
            }
            self.space();
            if !self.eat(b':') {
                return Err(FaultKind::Syntax("a colon was expected"));
            }
            self.space();
            self.step(|| Step::Key(key))?;
            self.space();
            if self.eat(b'}') {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(FaultKind::Syntax("a comma or } was expected"));
            }
            self.space();
        }
    }

    fn array(&mut self) -> Scan<()> {
        self.space();
        if self.eat(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.step(|| Step::Item(index))?;
            index += 1;
            self.space();
            if self.eat(b']') {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(FaultKind::Syntax("a comma or ] was expected"));
            }
            self.space();
        }
    }

    fn word(&mut self, word: &[u8]) -> Scan<()> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word) {
            return Err(FaultKind::Syntax("true, false or null was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Scan<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(FaultKind::Syntax("a digit was expected"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scan<()> {
        self.eat(b'-');
        if self.eat(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(FaultKind::Syntax("a number must not start with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string at its opening quote; borrows it if nothing is escaped.
    fn string(&mut self) -> Scan<Cow<'a, str>> {
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut start = self.at;
        loop {
            match self.peek() {
                None => return Err(FaultKind::Syntax("the closing quote is missing")),
                Some(0..=0x1f) => {
                    return Err(FaultKind::Syntax(
                        "a control character must be escaped in a string",
                    ));
                }
                Some(b'"') => {
                    let run = self.run(start)?;
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(run),
                        Some(text) => Cow::Owned(text + run),
                    });
                }
                Some(b'\\') => {
                    let run = self.run(start)?;
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(run);
                    text.push(self.escape()?);
                    start = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn run(&self, start: usize) -> Scan<&'a str> {
        let bytes = self.bytes.get(start..self.at).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| FaultKind::Syntax("the string is not valid UTF-8"))
    }

    fn escape(&mut self) -> Scan<char> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(FaultKind::Syntax("the escape is not one of JSON's")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Scan<char> {
        const LONE: FaultKind = FaultKind::Syntax("a surrogate stands alone");
        let first = self.hex4()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or(LONE);
        }
        if first >= 0xdc00 || !self.eat(b'\\') || !self.eat(b'u') {
            return Err(LONE);
        }
        let second = self.hex4()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(LONE);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(LONE)
    }

    fn hex4(&mut self) -> Scan<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            let digit = digit.ok_or(FaultKind::Syntax("four hexadecimal digits were expected"))?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;

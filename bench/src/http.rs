//! A small HTTP/1.1 client that costs little itself: one blocking connection, kept alive, bodies thrown away or read whole.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Instant,
};

/// A kept-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    token: Option<String>,
    request: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The value of `Location`.
    pub location: Option<String>,
    /// The length of the body.
    pub length: u64,
    /// The body, where it was asked for.
    pub body: Vec<u8>,
}

/// What to do with an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Read it.
    Keep,
    /// Let it go by.
    Drop,
    /// Let it go by until then, and leave the rest: nothing can be asked on the connection any more.
    DropUntil(Instant),
}

impl Connection {
    /// Connects to `host`, perhaps with a token.
    pub fn open(host: &str, token: Option<&str>) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let stream = BufReader::with_capacity(256 * 1024, stream);
        Ok(Self { stream, host: host.to_owned(), token: token.map(ToOwned::to_owned), request: Vec::new() })
    }

    /// Sends a request and reads the answer.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        keep: Body,
    ) -> io::Result<Answer> {
        self.request.clear();
        write!(self.request, "{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host)?;
        if let Some(token) = &self.token {
            write!(self.request, "Authorization: Bearer {token}\r\n")?;
        }
        for (name, value) in headers {
            write!(self.request, "{name}: {value}\r\n")?;
        }
        if !body.is_empty() || method != "GET" {
            write!(self.request, "Content-Length: {}\r\n", body.len())?;
        }
        self.request.extend_from_slice(b"\r\n");
        if body.len() < 64 * 1024 {
            self.request.extend_from_slice(body);
            self.stream.get_mut().write_all(&self.request)?;
        } else {
            self.stream.get_mut().write_all(&self.request)?;
            self.stream.get_mut().write_all(body)?;
        }
        self.answer(method, keep)
    }

    fn answer(&mut self, method: &str, keep: Body) -> io::Result<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no HTTP answer: {line:?}")))?;
        let mut answer = Answer { status, location: None, length: 0, body: Vec::new() };
        let mut chunked = false;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end();
            let Some((name, value)) = header.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => answer.length = value.trim().parse().map_err(io::Error::other)?,
                "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "location" => answer.location = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        if method != "HEAD" && status != 204 && status != 304 {
            if chunked { self.chunks(&mut answer, keep)? } else { self.whole(answer.length, &mut answer.body, keep)? }
        }
        Ok(answer)
    }

    fn whole(&mut self, length: u64, body: &mut Vec<u8>, keep: Body) -> io::Result<()> {
        match keep {
            Body::Keep => drop((&mut self.stream).take(length).read_to_end(body)?),
            Body::Drop | Body::DropUntil(_) => {
                let mut left = length;
                let is_over = || matches!(keep, Body::DropUntil(end) if Instant::now() >= end);
                while left > 0 && !is_over() {
                    let buffered = self.stream.fill_buf()?.len() as u64;
                    if buffered == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let now = buffered.min(left);
                    self.stream.consume(usize::try_from(now).unwrap_or(usize::MAX));
                    left -= now;
                }
            }
        }
        Ok(())
    }

    fn chunks(&mut self, answer: &mut Answer, keep: Body) -> io::Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            self.whole(length, &mut answer.body, keep)?;
            self.stream.read_line(&mut line)?;
            answer.length += length;
            if length == 0 {
                return Ok(());
            }
        }
    }
}

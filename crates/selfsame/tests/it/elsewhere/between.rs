//! What stands between us and a registry: it counts, holds up, says no, and breaks off, as a test wants it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A request, as far as anybody looks at it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub host: String,
    pub authorization: Option<String>,
    pub range: Option<String>,
}

/// What becomes of a request.
pub enum Fate {
    /// It goes through.
    Through,
    /// It is answered so: the head after the status line's beginning, and the body.
    Answer(String, String),
    /// So many bytes of the answer come back, and then nothing ever again.
    Break(usize),
    /// So many bytes of the answer come back; the next request is another matter.
    Cut(usize),
    /// It waits until the test lets it go on.
    Hold,
}

/// It listens until the test ends.
pub struct Between {
    pub host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    open: Arc<AtomicBool>,
    down: Arc<AtomicBool>,
}

impl Between {
    /// Stands before `upstream`; `decide` says what becomes of each request.
    pub fn before(upstream: &str, decide: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let (asked, open, down) =
            (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let decide = Arc::new(decide);
        let way = Way { upstream: upstream.to_owned(), asked: asked.clone(), open: open.clone(), down: down.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (way, decide) = (way.clone(), decide.clone());
                std::thread::spawn(move || way.answer(stream, &*decide));
            }
        });
        Self { host, asked, open, down }
    }

    /// How many requests there were to `method` something whose path contains `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        let asked = self.asked.lock().expect("nobody panics with it");
        asked.iter().filter(|one| one.method == method && one.path.contains(part)).count()
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    /// From now on, or no longer, every connection breaks.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets go what was held, and holds nothing more.
    pub fn let_go(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Way {
    upstream: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    open: Arc<AtomicBool>,
    down: Arc<AtomicBool>,
}

impl Way {
    /// One request on each connection.
    fn answer(&self, stream: TcpStream, decide: &dyn Fn(&Asked) -> Fate) -> Option<()> {
        if self.down.load(Ordering::SeqCst) {
            return None;
        }
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let mut first = head.split(' ');
        let asked = Asked {
            method: first.next()?.to_owned(),
            path: first.next()?.to_owned(),
            host: header("host")?,
            authorization: header("authorization"),
            range: header("range"),
        };
        // All of it is read, also where nobody will: else the answer could be lost with the connection.
        let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        self.asked.lock().expect("nobody panics with it").push(asked.clone());
        let request = (head.as_str(), &body[..]);
        match decide(&asked) {
            Fate::Answer(head, body) => {
                let length = body.len();
                let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                (&stream).write_all(answer.as_bytes()).ok()?;
            }
            Fate::Through => self.pass(request, &stream, usize::MAX)?,
            Fate::Cut(after) => self.pass(request, &stream, after)?,
            Fate::Break(after) => {
                self.pass(request, &stream, after)?;
                self.down.store(true, Ordering::SeqCst);
            }
            Fate::Hold => {
                while !self.open.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                self.pass(request, &stream, usize::MAX)?;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        Some(())
    }

    /// Hands the request on, and at most `after` bytes of the answer back.
    fn pass(&self, (head, body): (&str, &[u8]), stream: &TcpStream, after: usize) -> Option<()> {
        let mut upstream = TcpStream::connect(&self.upstream).ok()?;
        let kept =
            head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:") && !line.is_empty());
        let head: String = kept.map(|line| format!("{line}\r\n")).collect();
        upstream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).ok()?;
        upstream.write_all(body).ok()?;
        let mut left = after;
        let mut buffer = vec![0; 16 << 10];
        while left > 0 {
            let count = upstream.read(&mut buffer).ok()?;
            if count == 0 {
                break;
            }
            let count = count.min(left);
            let mut out = stream;
            out.write_all(&buffer[..count]).ok()?;
            left -= count;
        }
        Some(())
    }
}

//! A stand-in for the daemon: the model itself behind a socket, so that the driver can be tried without the daemon,
//! and proven to notice a fault.

use crate::daemon::Site;
use crate::drive::rendered;
use crate::model::Model;
use crate::resp::{Conn, encode};
use crate::value::Value;
use slad::model::command::FeedKey;
use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// What is done to a reply before it goes out: its number, counted from 1, and the reply.
pub type Fault = fn(u64, &mut Value);

struct Shared {
    model: Model,
    streams: HashMap<usize, UnixStream>,
    connections: usize,
    replies: u64,
    fault: Fault,
}

/// The stand-in; its threads end with its connections.
pub struct StandIn {
    dir: tempfile::TempDir,
    shared: Arc<Mutex<Shared>>,
}

impl StandIn {
    pub fn start(fault: Fault) -> StandIn {
        let dir = tempfile::tempdir().expect("a directory for the test");
        let listener = UnixListener::bind(dir.path().join("s")).expect("a socket");
        let (model, streams) = (Model::new(0), HashMap::new());
        let shared = Arc::new(Mutex::new(Shared {
            model,
            streams,
            connections: 0,
            replies: 0,
            fault,
        }));
        let behind = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let mut inside = lock(&behind);
                inside.connections += 1;
                let number = inside.connections;
                inside
                    .streams
                    .insert(number, stream.try_clone().expect("a second handle"));
                let behind = Arc::clone(&behind);
                std::thread::spawn(move || serve(&behind, number, stream));
            }
        });
        StandIn { dir, shared }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }
}

impl Site for StandIn {
    fn connect(&mut self) -> Conn {
        Conn::open(&self.socket()).expect("the stand-in answers")
    }

    fn kill_and_restart(&mut self) {
        let mut inside = lock(&self.shared);
        for (_, stream) in inside.streams.drain() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        inside.model.restarted();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("no thread of the stand-in has panicked")
}

fn serve(shared: &Mutex<Shared>, number: usize, stream: UnixStream) {
    let mut conn = Conn::over(stream);
    let mut multi: Option<(Vec<Vec<String>>, bool)> = None;
    while let Ok(Value::List(items)) = conn.next() {
        let args: Vec<String> = items
            .into_iter()
            .map(|item| {
                if let Value::Text(text) = item {
                    text
                } else {
                    String::new()
                }
            })
            .collect();
        let mut inside = lock(shared);
        let reply = answer(&mut inside.model, &mut multi, number, &args);
        if let Some(mut reply) = reply {
            inside.replies += 1;
            (inside.fault)(inside.replies, &mut reply);
            send(&inside, number, &reply);
        }
        for (waiter, reply) in std::mem::take(&mut inside.model.wakes) {
            send(&inside, waiter, &reply);
        }
    }
}

fn send(inside: &Shared, number: usize, reply: &Value) {
    if let Some(mut stream) = inside.streams.get(&number) {
        let mut bytes = Vec::new();
        encode(reply, &mut bytes);
        let _ = stream.write_all(&bytes);
    }
}

fn answer(
    model: &mut Model,
    multi: &mut Option<(Vec<Vec<String>>, bool)>,
    number: usize,
    args: &[String],
) -> Option<Value> {
    let simple = |text: &str| Some(Value::Simple(text.to_owned()));
    match (args[0].as_str(), &mut *multi) {
        ("XRANGE", _) => Some(range(model, args)),
        ("TICKET.HISTORY", _) => {
            let key = format!("events:ticket:{}", args[1]);
            let all = ["XRANGE", &key, "-", "+", "COUNT", "1000000"];
            Some(range(model, &all.map(str::to_owned)))
        }
        ("INFO", _) => Some(Value::text("state_hash:0\r\n")),
        ("MULTI", _) => {
            *multi = Some((Vec::new(), false));
            simple("OK")
        }
        ("EXEC", _) => match multi.take() {
            Some((group, false)) => Some(model.exec(&group)),
            _ => Some(Value::refused("EXECABORT")),
        },
        (_, Some((group, aborted))) => match Model::queueable(args) {
            Ok(()) => {
                group.push(args.to_vec());
                simple("QUEUED")
            }
            Err(refusal) => {
                *aborted = true;
                Some(refusal)
            }
        },
        (_, None) => model.apply(number, args),
    }
}

/// `XRANGE key from + COUNT n`, as the driver asks it.
fn range(model: &Model, args: &[String]) -> Value {
    let key = match args[1].split(':').collect::<Vec<_>>().as_slice() {
        ["events"] => FeedKey::All,
        ["events", "sla"] => FeedKey::Sla,
        ["events", "breaches"] => FeedKey::Breaches,
        ["events", "routing"] => FeedKey::Routing,
        ["events", "queue", q] => FeedKey::Queue((*q).into()),
        ["events", "agent", a] => FeedKey::Agent((*a).into()),
        _ => FeedKey::Ticket(args[1]["events:ticket:".len()..].into()),
    };
    let (open, id) = args[2]
        .strip_prefix('(')
        .map_or((false, args[2].as_str()), |id| (true, id));
    let id = if id == "-" { "0-0" } else { id };
    let (seq, part) = id.split_once('-').expect("seq-part");
    let from: (u64, u64) = (seq.parse().expect("a seq"), part.parse().expect("a part"));
    let count = args[5].parse().expect("a count");
    let entries = rendered(model, from.0, &key)
        .into_iter()
        .filter(|e| {
            if open {
                (e.seq, e.part) > from
            } else {
                (e.seq, e.part) >= from
            }
        })
        .take(count)
        .map(|e| {
            let pairs = e
                .pairs
                .into_iter()
                .flat_map(|(n, v)| [Value::Text(n), Value::Text(v)]);
            Value::List(vec![
                Value::text(format!("{}-{}", e.seq, e.part)),
                Value::List(pairs.collect()),
            ])
        });
    Value::List(entries.collect())
}

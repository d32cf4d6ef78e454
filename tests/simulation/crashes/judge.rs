//! The judge at a crash: the model is taken back to what survived, by doing again what did.

use crate::model::Model;
use slad::model::Seq;
use slad::model::event::{Body, Event, TicketEvent, TicketFact};
use slad::model::fields;

/// Something that happened to the model.
#[derive(Debug, Clone)]
pub enum Done {
    /// A command on a connection.
    Command(usize, Vec<String>),
    /// The commands of an EXEC.
    Exec(Vec<Vec<String>>),
    /// The daemon logged facts of its own.
    Skip,
    /// Timers that were due fired.
    Fired,
    /// All connections were gone.
    Restarted,
}

/// With the seqs before and after it.
#[derive(Debug, Clone)]
struct Entry {
    done: Done,
    before: Seq,
    after: Seq,
    /// A crash left this much of it.
    stop: Option<Seq>,
}

/// The model, and how it came to be what it is since it was last known to be right.
pub struct Judge {
    pub model: Model,
    sure: Model,
    history: Vec<Entry>,
}

impl Judge {
    pub fn new() -> Judge {
        Judge {
            model: Model::new(0),
            sure: Model::new(0),
            history: Vec::new(),
        }
    }

    /// Notes what has just been done to the model.
    pub fn note(&mut self, done: Done, before: Seq) {
        let after = self.model.seq;
        self.history.push(Entry {
            done,
            before,
            after,
            stop: None,
        });
    }

    /// The daemon logged facts of its own up to `seq`.
    pub fn skip_to(&mut self, seq: Seq) {
        let before = self.model.seq;
        self.model.skip_to(seq);
        self.note(Done::Skip, before);
    }

    /// What is due after a restart fires.
    pub fn fire(&mut self) {
        let before = self.model.seq;
        self.model.fire_all();
        self.note(Done::Fired, before);
    }

    /// Everything up to `durable` is safe for good: if that is all, history begins anew.
    pub fn settle_if(&mut self, durable: Seq) {
        if durable >= self.model.seq {
            self.sure.clone_from(&self.model);
            self.history.clear();
        }
    }

    /// The facts above `seq` are gone, and so are all connections.
    pub fn back_to(&mut self, seq: Seq) {
        if self.model.seq > seq {
            self.model.clone_from(&self.sure);
            let mut kept = Vec::new();
            for mut entry in std::mem::take(&mut self.history) {
                if entry.after > seq {
                    if entry.before >= seq {
                        break;
                    }
                    (entry.stop, entry.after) = (Some(seq), seq);
                }
                self.again(&entry);
                kept.push(entry);
            }
            self.history = kept;
        }
        self.model.restarted();
        let before = self.model.seq;
        self.note(Done::Restarted, before);
    }

    fn again(&mut self, entry: &Entry) {
        let model = &mut self.model;
        model.stop_at = entry.stop.unwrap_or(Seq::MAX);
        match &entry.done {
            Done::Command(conn, args) => {
                model.apply(*conn, args);
            }
            Done::Exec(group) => {
                model.exec(group);
            }
            Done::Skip => model.skip_to(entry.after),
            Done::Fired => model.fire_all(),
            Done::Restarted => model.restarted(),
        }
        model.wakes.clear();
        model.stop_at = Seq::MAX;
        assert_eq!(model.seq, entry.after, "the model does again what it did");
    }
}

/// Does the model's event say what the engine's says? Compared as they are, and if that fails as the feed shows them.
pub fn same(model: &Event, engine: &Event) -> bool {
    let head = |e: &Event| (e.at, e.logged_at, e.cause, e.tenant);
    if head(model) == head(engine)
        && let (Body::Ticket(a), Body::Ticket(b)) = (&model.body, &engine.body)
        && !matches!(a.fact, TicketFact::Opened(_))
        && a.origin.is_none()
    {
        let rest = |t: &TicketEvent| (t.prev, t.origin.is_none());
        if rest(a) == rest(b)
            && (&a.id, &a.queue, &a.agent, &a.fact, &a.clocks)
                == (&b.id, &b.queue, &b.agent, &b.fact, &b.clocks)
        {
            return true;
        }
    }
    let shown = |event: &Event| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in 0..fields::entries(event) {
            fields::visit(event, part, &mut pairs);
        }
        pairs
    };
    fields::entries(model) == fields::entries(engine) && shown(model) == shown(engine)
}

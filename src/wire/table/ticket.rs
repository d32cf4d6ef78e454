//! The commands that change a ticket.

use super::field::{
    A_DURATION, A_NAME, AN_INSTANT, Field, Key, OF_OPEN, OF_PAUSE, OF_TICKETS, family, field,
};
use super::opening::{OPEN_ONLY, OPEN_POLICY, SETTABLE};
use super::{Flags, ID, Row, opening, param};
use crate::model::command::{Cancelled, Command, Common, Fields, Open, Request, TicketCommand, TicketOp};
use crate::model::target::Target;
use crate::model::{Code, Refusal, Text, text};
use crate::wire::parse::{Call, twice};
use crate::wire::value;

type Read = fn(&Call<'_>) -> Result<Request, Refusal>;

pub(super) const fn ticket(name: &'static str, read: Read) -> Row {
    Row {
        syntax: "id [field value]…",
        arity_min: 2,
        arity_max: 0,
        reply: "the seq of its event",
        group: "ticket",
        complexity: "O(log n) in the tickets waiting",
        flags: Flags::WRITE.and(Flags::FAST),
        keys: (1, 1, 1),
        params: &[ID],
        fields: &[OF_TICKETS],
        ..Row::new(name, read)
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        summary: "A ticket comes in: its clocks start and it waits in its queue",
        flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
        fields: &[OPEN_POLICY, OPEN_ONLY, SETTABLE, OF_OPEN],
        ..ticket("TICKET.OPEN", open)
    },
    Row {
        summary: "The customer wrote or called: next response starts, a pause for the customer ends",
        ..ticket("TICKET.INBOUND", |call| plain(call, TicketOp::Inbound))
    },
    Row {
        summary: "The customer got a response: first and next response are met, update restarts",
        ..ticket("TICKET.RESPOND", |call| plain(call, TicketOp::Respond))
    },
    Row {
        summary: "Progress was reported: update is met; a promise is the next contact and a clock",
        fields: &[
            &[
                field(
                    Key::Eta,
                    "eta",
                    AN_INSTANT,
                    "expected finish that the customer was told",
                ),
                field(
                    Key::Promise,
                    "promise",
                    AN_INSTANT,
                    "next contact that the customer was promised",
                ),
            ],
            OF_TICKETS,
        ],
        ..ticket("TICKET.PROGRESS", progress)
    },
    Row {
        syntax: "id NAME [field value]…",
        arity_min: 3,
        summary: "A milestone, such as notice_sent, that policies tie clocks to",
        params: &[ID, param("name")],
        ..ticket("TICKET.MARK", |call| {
            named(call, "mark", |name| TicketOp::Mark { name })
        })
    },
    Row {
        syntax: "id reason R [field value]…",
        arity_min: 4,
        summary: "The clocks that name the reason stand still",
        fields: &[OF_PAUSE],
        ..ticket("TICKET.PAUSE", pause)
    },
    Row {
        summary: "The pause ends, the clocks run on with what was left",
        ..ticket("TICKET.RESUME", |call| plain(call, TicketOp::Resume))
    },
    Row {
        syntax: "id name [field value]…",
        arity_min: 3,
        summary: "Ends the stage in which it is and enters the named one",
        params: &[ID, param("name")],
        ..ticket("TICKET.STAGE", |call| {
            named(call, "stage", |name| TicketOp::Stage { name })
        })
    },
    Row {
        syntax: "id target for D [approver A] [field value]…",
        arity_min: 5,
        summary: "More time for a clock is asked for, or granted at once by an approver; its first due stays on record",
        params: &[ID, param("target")],
        fields: &[
            &[
                field(
                    Key::For,
                    "for",
                    A_DURATION,
                    "how much more, in the clock's own time",
                )
                .required(),
                field(Key::Approver, "approver", A_NAME, "who has granted it"),
            ],
            OF_TICKETS,
        ],
        ..ticket("TICKET.EXTEND", extend)
    },
    Row {
        syntax: "id target [field value]…",
        arity_min: 3,
        summary: "Grants the extension that was asked for",
        params: &[ID, param("target")],
        ..ticket("TICKET.APPROVE", |call| {
            aimed(call, |target| TicketOp::Approve { target })
        })
    },
    Row {
        syntax: "id target [field value]…",
        arity_min: 3,
        summary: "Refuses the extension that was asked for",
        params: &[ID, param("target")],
        ..ticket("TICKET.REJECT", |call| {
            aimed(call, |target| TicketOp::Reject { target })
        })
    },
    Row {
        syntax: "id field value…",
        arity_min: 4,
        summary: "Sets fields; the policy is matched again from the original opening",
        fields: &[SETTABLE, OF_TICKETS],
        ..ticket("TICKET.SET", set)
    },
    Row {
        syntax: "id queue [field value]…",
        arity_min: 3,
        summary: "Moves the ticket to the tail of another queue's order",
        params: &[ID, param("queue")],
        ..ticket("TICKET.TRANSFER", |call| {
            named(call, "queue", |queue| TicketOp::Transfer { queue })
        })
    },
    Row {
        summary: "Moves the ticket to the next queue of its class's chain",
        ..ticket("TICKET.ESCALATE", |call| plain(call, TicketOp::Escalate))
    },
    Row {
        syntax: "id agent [field value]…",
        arity_min: 3,
        summary: "Gives the ticket to an agent, whatever their presence, skills and load",
        reply: "the seq of its event, which is the hold",
        params: &[ID, param("agent")],
        ..ticket("TICKET.ASSIGN", |call| {
            named(call, "agent", |agent| TicketOp::Assign { agent })
        })
    },
    Row {
        summary: "The ticket goes back to its queue",
        ..ticket("TICKET.RELEASE", |call| plain(call, TicketOp::Release))
    },
    Row {
        summary: "Done; it closes by itself when its policy says so",
        ..ticket("TICKET.RESOLVE", |call| plain(call, TicketOp::Resolve))
    },
    Row {
        summary: "The customer disagreed: it waits again, its clocks run on",
        ..ticket("TICKET.REOPEN", |call| plain(call, TicketOp::Reopen))
    },
    Row {
        syntax: "id 1..5 [NAME n]… [field value]…",
        arity_min: 3,
        summary: "The customer rated it, over all and by names of your own",
        params: &[ID, param("score").integer()],
        fields: &[
            &[family(
                Key::Any,
                "",
                "NAME",
                "a whole number 1-5",
                "a further score by this name",
            )],
            OF_TICKETS,
        ],
        ..ticket("TICKET.RATE", rate)
    },
    Row {
        summary: "A resolved ticket is over",
        ..ticket("TICKET.CLOSE", |call| plain(call, TicketOp::Close))
    },
    Row {
        syntax: "id [as abandoned|duplicate|spam|withdrawn] [field value]…",
        summary: "The ticket is over without a solution",
        fields: &[
            &[field(
                Key::As,
                "as",
                "abandoned, duplicate, spam or withdrawn",
                "how it ended; default: withdrawn",
            )],
            OF_TICKETS,
        ],
        ..ticket("TICKET.CANCEL", cancel)
    },
];

pub(super) fn command(id: Text, op: TicketOp, common: Option<Box<Common>>) -> Request {
    Request::Engine(Command::Ticket(TicketCommand { id, op, common }))
}

fn plain(call: &Call<'_>, op: TicketOp) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let pairs = call.pairs(2, false, |_, _, _| Ok(()))?;
    Ok(command(id, op, pairs.common))
}

fn named(call: &Call<'_>, what: &str, op: fn(Text) -> TicketOp) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let name = call.id(2, what)?;
    let pairs = call.pairs(3, false, |_, _, _| Ok(()))?;
    Ok(command(id, op(name), pairs.common))
}

fn aimed(call: &Call<'_>, op: fn(Target) -> TicketOp) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let target = opening::target(call.arg(2))?;
    let pairs = call.pairs(3, false, |_, _, _| Ok(()))?;
    Ok(command(id, op(target), pairs.common))
}

fn extend(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let target = opening::target(call.arg(2))?;
    let (mut span, mut approver) = (None, None);
    let pairs = call.pairs(3, false, |key, _, value| {
        match key {
            Key::For => span = Some(value::span("for", value)?),
            _ => approver = Some(text::id("approver", value)?),
        }
        Ok(())
    })?;
    let span = span.ok_or_else(|| {
        Refusal::new(
            Code::Required,
            format!("{} needs its field 'for': {}", call.row.name, call.row.usage()),
        )
    })?;
    let op = TicketOp::Extend {
        target,
        span,
        approver,
    };
    Ok(command(id, op, pairs.common))
}

fn open(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let mut open = Box::<Open>::default();
    let pairs = call.pairs(2, true, |key, rest, value| {
        opening::take_open(&mut open, call, key, rest, value)
    })?;
    opening::finish(&mut open.fields);
    open.fingerprint = pairs.fingerprint;
    Ok(command(id, TicketOp::Open(open), pairs.common))
}

fn set(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let mut fields = Box::<Fields>::default();
    let mut any = false;
    let pairs = call.pairs(2, false, |key, rest, value| {
        any |= opening::take(&mut fields, call, key, rest, value)?;
        Ok(())
    })?;
    if !any {
        let known: Vec<String> = SETTABLE.iter().map(Field::shown).collect();
        return Err(Refusal::bad_arg(format!(
            "TICKET.SET sets nothing: it takes at least one of {}",
            known.join(", ")
        )));
    }
    opening::finish(&mut fields);
    Ok(command(id, TicketOp::Set(fields), pairs.common))
}

fn progress(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let (mut eta, mut promise) = (None, None);
    let pairs = call.pairs(2, false, |key, _, value| {
        match key {
            Key::Eta => eta = Some(value::instant("eta", value)?),
            _ => promise = Some(value::instant("promise", value)?),
        }
        Ok(())
    })?;
    Ok(command(id, TicketOp::Progress { eta, promise }, pairs.common))
}

fn pause(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let mut pairs = call.pairs(2, false, |_, _, _| Ok(()))?;
    let reason = pairs.mandatory_reason(call.row)?;
    Ok(command(id, TicketOp::Pause { reason }, pairs.common))
}

fn rate(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let score = value::number("score", call.arg(2), 1, 5)? as u8;
    let mut named: Vec<(Text, u8)> = Vec::new();
    let pairs = call.pairs(3, false, |_, name, value| {
        let name = text::id("name of a score", name)?;
        if named.iter().any(|(known, _)| *known == name) {
            return Err(twice(name.as_bytes()));
        }
        value::listed("scores", named.len() + 1, call.caps)?;
        let score = value::number(&format!("score '{name}'"), value, 1, 5)? as u8;
        named.push((name, score));
        Ok(())
    })?;
    Ok(command(id, TicketOp::Rate { score, named }, pairs.common))
}

fn cancel(call: &Call<'_>) -> Result<Request, Refusal> {
    let id = call.id(1, "ticket")?;
    let mut how = Cancelled::Withdrawn;
    let pairs = call.pairs(2, false, |_, _, value| {
        how = Cancelled::parse(&value::word(value))?;
        Ok(())
    })?;
    Ok(command(id, TicketOp::Cancel { how }, pairs.common))
}

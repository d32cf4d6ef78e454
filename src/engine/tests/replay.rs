//! Under random commands: replaying the events, or restoring a snapshot taken meanwhile and replaying the rest, gives
//! the same state hash; and the invariants hold after every command.

use super::desk::*;
use crate::engine::{Config, Engine};
use crate::model::Text;
use crate::model::command::*;
use crate::model::event::TicketState;
use crate::model::record::Record;
use crate::model::target::Target;
use crate::model::time::Span;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

fn command(dice: &mut Dice, now: i64) -> Command {
    let id = format!("t{}", dice.below(30));
    let name = format!("a{}", dice.below(5));
    let text = Text::new;
    let common = match dice.below(8) {
        0 => Some(Common {
            at: Some(now - dice.below(5_000) as i64),
            ..Common::default()
        }),
        1 => Some(Common {
            token: Some(Text::from(format!("k{}", dice.below(40)))),
            fingerprint: dice.below(3),
            ..Common::default()
        }),
        2 => Some(Common {
            by: Some(text("me")),
            reason: Some(text("because")),
            ..Common::default()
        }),
        _ => None,
    };
    let mut command = match dice.below(31) {
        0..=4 => open(&id, |o| {
            o.fields.priority = Some(text(dice.pick(&["P1", "P2", "P3", "P4"])));
            o.fields.skills =
                Some(crate::model::skill::required(dice.pick(&["", "x>=3", "x,y>=2"]).as_bytes()).unwrap());
            if dice.below(2) == 0 {
                o.fields.dues = vec![(Target::FirstResponse, now + dice.below(9_000) as i64 - 2_000)];
            }
        }),
        5 | 6 => open_level(&id, dice.pick(&["P1", "P2", "P3", "P4"])),
        7 => ticket(&id, TicketOp::Respond),
        8 => ticket(&id, TicketOp::Inbound),
        9 => ticket(
            &id,
            TicketOp::Progress {
                eta: None,
                promise: (dice.below(2) == 0).then_some(now + 700),
            },
        ),
        10 => ticket(
            &id,
            TicketOp::Pause {
                reason: text(dice.pick(&["customer", "parts"])),
            },
        ),
        11 => ticket(&id, TicketOp::Resume),
        12 => ticket(
            &id,
            TicketOp::Transfer {
                queue: text(dice.pick(&["default", "business", "none"])),
            },
        ),
        13 => ticket(
            &id,
            TicketOp::Assign {
                agent: Text::from(name.clone()),
            },
        ),
        14 => ticket(&id, TicketOp::Release),
        15 => ticket(&id, TicketOp::Resolve),
        16 => ticket(
            &id,
            if dice.below(2) == 0 {
                TicketOp::Reopen
            } else {
                TicketOp::Close
            },
        ),
        17 => ticket(&id, TicketOp::Cancel { how: Cancelled::Spam }),
        18 => ticket(
            &id,
            TicketOp::Rate {
                score: 4,
                named: vec![],
            },
        ),
        19 => {
            let priority = text(dice.pick(&["P1", "P2", "P3", "P4"]));
            ticket(
                &id,
                TicketOp::Set(Box::new(Fields {
                    priority: Some(priority),
                    ..Fields::default()
                })),
            )
        }
        20 => set_agent(
            &name,
            dice.pick(&["", "x:3", "x:9,y:9"]),
            1 + dice.below(3) as u32,
        ),
        21 => agent(
            &name,
            [AgentOp::Ready, AgentOp::Away, AgentOp::Leave { keep: false }][dice.below(3) as usize].clone(),
        ),
        24 | 25 => open(&id, |o| {
            // Under one of the shipped policies, or the one whose clocks count office hours.
            let (policy, class) = [
                ("office", "plain"),
                ("office", "staged"),
                ("complaint-plan", "service"),
                ("approval-stages", "refund"),
                ("service-process", "technical"),
                ("scenario-catalogue", "fault.device"),
            ][dice.below(6) as usize];
            o.policy = Some(text(policy));
            o.fields.class = Some(text(class));
            o.fields.customer = Some(text("c1"));
            (o.fields.segment, o.fields.channel) = (Some(text("vip")), Some(text("web")));
            if policy == "service-process" {
                o.fields.priority = Some(text("P1"));
            }
            o.fields.has = ["contact", "description", "wanted"].map(Text::new).to_vec();
            o.fields.skills = Some(crate::model::skill::required(b"x>=3").unwrap());
            o.opened_at = (dice.below(3) == 0).then(|| now - dice.below(7_200_000) as i64);
            if dice.below(5) == 0 {
                o.fields.calendar = Some(text(dice.pick(&["24x7", "cn-office"])));
            }
        }),
        26 => ticket(
            &id,
            TicketOp::Stage {
                name: text(dice.pick(&["check", "act", "solution", "final-review", "repair"])),
            },
        ),
        27 => ticket(
            &id,
            TicketOp::Extend {
                target: Target::parse(dice.pick(&["resolution", "first_response", "stage:act"])).unwrap(),
                span: [Span::Ms(3_600_000), Span::BusinessDays(1), Span::Months(1)][dice.below(3) as usize],
                approver: (dice.below(2) == 0).then(|| text("boss")),
            },
        ),
        28 => ticket(
            &id,
            TicketOp::Approve {
                target: Target::Resolution,
            },
        ),
        29 => ticket(&id, TicketOp::Escalate),
        30 => ticket(
            &id,
            TicketOp::Set(Box::new(Fields {
                class: Some(text(dice.pick(&["plain", "staged", "fault.system", "complaint"]))),
                calendar: (dice.below(3) == 0).then(|| text("24x7")),
                dues: vec![(Target::Resolution, now + dice.below(20_000_000) as i64)],
                ..Fields::default()
            })),
        ),
        _ => agent(
            &name,
            AgentOp::Next {
                block_ms: (dice.below(2) == 0).then_some(9),
            },
        ),
    };
    if let (Command::Ticket(c), Some(common)) = (&mut command, common) {
        c.common = Some(Box::new(common));
    }
    command
}

fn fresh() -> Engine {
    Engine::new(Config {
        virtual_clock: true,
        closed_max: 50,
        tokens_max: 20,
        ..Config::default()
    })
}

/// A ticket is in exactly one place, counts add up, and no waiting agent could take a waiting ticket.
fn check(desk: &mut Desk) {
    let state = &mut desk.engine.state;
    let mut held = 0;
    for (slot, ticket) in state.tickets.iter() {
        assert_eq!(state.ticket_slot(&ticket.id), Some(slot));
        assert_eq!(
            ticket.state == TicketState::Assigned,
            state.agents.get(ticket.agent).is_some()
        );
        if let Some(agent) = state.agents.get(ticket.agent) {
            assert_eq!(agent.held.get(&ticket.hold), Some(&slot));
            held += 1;
        }
        assert_eq!(state.wheel.at(slot), ticket.next_instant(), "{}", ticket.id);
        assert!(
            ticket.next_instant().is_none_or(|at| at > desk.now),
            "{} is overdue",
            ticket.id
        );
    }
    assert_eq!(
        held,
        state.agents.iter().map(|(_, a)| a.held.len()).sum::<usize>()
    );
    for (_, agent) in state.agents.iter() {
        let counts = agent
            .held
            .values()
            .filter(|slot| !state.tickets.get(**slot).unwrap().is_paused())
            .count();
        assert_eq!(agent.load as usize, counts, "{}", agent.id);
    }
    let waiting: Vec<u32> = state.routing.waiting.agents().collect();
    for slot in waiting {
        let profile = state.agents.get(slot).unwrap().profile;
        assert_eq!(
            state.routing.best(profile),
            None,
            "a waiting agent could take a ticket"
        );
    }
    // The best by the lanes is the best by looking at everything.
    let profiles: Vec<u32> = state.agents.iter().map(|(_, a)| a.profile).collect();
    for profile in profiles {
        let serves = state
            .routing
            .profiles
            .serves(profile, &state.routing.requirements)
            .clone();
        let naive = state
            .tickets
            .iter()
            .filter(|(_, t)| state.is_routable(t) && serves.get(t.requirement))
            .map(|(slot, t)| (t.rank, t.live_deadline(), t.opened_at, t.opened_seq, slot))
            .min();
        assert_eq!(
            state.routing.best(profile).map(|(_, slot)| slot),
            naive.map(|n| n.4)
        );
    }
}

#[test]
fn replay_and_snapshot_give_the_same_state() {
    for seed in 1..=12 {
        let mut dice = Dice(seed * 7_919);
        let mut desk = Desk::with_everything();
        let mut snapshot: Option<(u64, u64, Vec<Record>, bool)> = None;
        for step in 0..1_500 {
            let command = command(&mut dice, desk.now);
            desk.run_waiting(&command, step + 1);
            if dice.below(3) == 0 {
                desk.advance(dice.below(2_000) as i64);
            }
            if dice.below(300) == 0 {
                desk.advance(86_400_000 * 2);
            }
            if step % 40 == 0 {
                desk.advance(dice.below(1_800_000) as i64);
            }
            check(&mut desk);
            if step == 700 {
                let head = desk.engine.snapshot_begin().unwrap();
                assert_eq!(desk.engine.snapshot_begin(), None);
                snapshot = Some((head.seq, head.state_hash, Vec::new(), true));
            }
            if let Some((_, _, records, more)) = snapshot.as_mut().filter(|s| s.3) {
                *more = desk.engine.snapshot_step(1, records);
            }
        }
        let hash = desk.hash();
        let mut replayed = fresh();
        for (place, event) in desk.log.iter().enumerate() {
            replayed.replay(place as u64 + 1, event).unwrap();
        }
        assert_eq!(replayed.state_hash(), hash, "seed {seed}: replay");

        let (seq, state_hash, mut records, mut more) = snapshot.unwrap();
        while more {
            more = desk.engine.snapshot_step(1_000, &mut records);
        }
        let mut restored = fresh();
        for record in records {
            restored.restore(record).unwrap();
        }
        restored.restored(seq);
        assert_eq!(restored.state_hash(), state_hash, "seed {seed}: snapshot");
        for (place, event) in desk.log.iter().enumerate().skip(seq as usize) {
            restored.replay(place as u64 + 1, event).unwrap();
        }
        assert_eq!(restored.state_hash(), hash, "seed {seed}: snapshot and the rest");
    }
}

#[test]
fn the_gap_that_a_recovery_tells_of_is_no_damage() {
    use crate::model::event::{Body, Event, LogRecovered};
    let event = |lost_to| Event {
        at: T0,
        logged_at: T0,
        cause: 0,
        tenant: 0,
        body: Body::LogRecovered(Box::new(LogRecovered {
            cut_bytes: 8,
            lost_from: 3,
            lost_to,
            epoch: 2,
        })),
    };
    for (seq, lost_to, fits) in [(6, 5, true), (3, 2, true), (6, 4, false), (2, 1, false)] {
        let mut desk = Desk::new();
        assert_eq!(desk.engine.seq(), 2);
        let replayed = desk.engine.replay(seq, &event(lost_to));
        assert_eq!(
            replayed.is_ok(),
            fits,
            "seq {seq}, lost up to {lost_to}: {replayed:?}"
        );
        assert_eq!(desk.engine.seq(), if fits { seq } else { 2 });
    }
}

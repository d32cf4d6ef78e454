//! Steps of escalation ladders: what one does to the ticket when its instant has come.

use super::effects::Effects;
use super::transaction::{Saying, Transaction};
use crate::model::event::{SlaFact, Stepped, TicketFact};
use crate::model::rules::{Relax, Step, StepAt, Trigger};
use crate::model::skill::Required;
use crate::model::time::Span;
use crate::model::{Seq, Text};
use xxhash_rust::xxh3::xxh3_64;

impl Transaction<'_> {
    /// A step of the clock's ladder is taken: roles are told, the ticket becomes more urgent, changes its queue, requires less.
    pub(super) fn take_step(&mut self, slot: u32, sla: SlaFact, number: u16, cause: Seq) {
        let terms = self.terms(slot);
        let Some(ticket) = self.state.tickets.get(slot) else {
            return;
        };
        let rule = terms.plan.clock(&sla.target);
        let step = rule.and_then(|rule| rule.steps.get(usize::from(number)));
        let queue_now = self.state.queues.name(ticket.queue);
        let queue = step
            .and_then(|step| step.queue.as_ref())
            .filter(|queue| *queue != queue_now);
        let required = &self.state.routing.requirements.get(ticket.requirement).skills;
        let (at, mut effects) = (
            self.now,
            Effects::new(ticket, &terms, self.now.max(ticket.commanded_at)),
        );
        if let Some(queue) = queue {
            effects.happens(&Trigger::TransferTo(queue.clone()));
        }
        let stepped = Stepped {
            at_word: step.map(word).unwrap_or_default(),
            notify: step.map(|step| step.notify.clone()).unwrap_or_default(),
            // A step never makes a ticket less urgent than it is.
            rank: step.and_then(|step| step.rank).filter(|rank| *rank < ticket.rank),
            from: queue.map(|_| queue_now.clone()).unwrap_or_default(),
            skills: step.and_then(|step| relaxed(required, &step.relax)),
            relax: step.map(|step| relax_words(&step.relax)).unwrap_or_default(),
            step: number,
            sla,
        };
        let told = effects.finish();
        let saying = Saying {
            cause,
            told,
            queue: queue.cloned(),
            ..Saying::default()
        };
        self.say(slot, at, TicketFact::Stepped(Box::new(stepped)), saying);
        // Another rank, queue or requirement may be what a waiting agent serves.
        self.match_waiting();
    }
}

/// Tells one ladder from another: the same for the same steps, whichever program works it out.
pub(super) fn digest(steps: &[Step]) -> u64 {
    let mut bytes = Vec::new();
    let mut put = |part: &str| {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    };
    for step in steps {
        put(&word(step));
        put(&step.notify.join(","));
        put(&step.rank.map_or_else(String::new, |rank| rank.to_string()));
        put(step.queue.as_deref().unwrap_or_default());
        put(&relax_words(&step.relax));
    }
    xxh3_64(&bytes)
}

/// A step as the policy spells it.
pub(super) fn word(step: &Step) -> Text {
    match step.at {
        StepAt::Before(ms) => compact_str::format_compact!("-{}", Span::Ms(ms)),
        StepAt::Percent(percent) => compact_str::format_compact!("{percent}%"),
        StepAt::After(ms) => compact_str::format_compact!("+{}", Span::Ms(ms)),
    }
}

/// What is still required; `None`: as much as before.
fn relaxed(required: &[Required], relax: &[Relax]) -> Option<Vec<Required>> {
    let mut left = required.to_vec();
    for relax in relax {
        match relax {
            Relax::Drop(name) => left.retain(|skill| skill.name != *name),
            Relax::Lower(lower) => {
                for skill in left.iter_mut().filter(|skill| skill.name == lower.name) {
                    skill.level_min = skill.level_min.min(lower.level_min);
                }
            }
        }
    }
    (left != required).then_some(left)
}

fn relax_words(relax: &[Relax]) -> Text {
    let words: Vec<String> = relax
        .iter()
        .map(|relax| match relax {
            Relax::Drop(name) => format!("drop:{name}"),
            Relax::Lower(lower) => format!("{}>={}", lower.name, lower.level_min),
        })
        .collect();
    Text::new(words.join(","))
}

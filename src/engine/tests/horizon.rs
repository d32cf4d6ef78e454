//! A calendar that goes further: dues that hung on it move, before and after a restart alike.

use super::desk::*;
use crate::calendar::Zones;
use crate::engine::{Config, Engine, Output};
use crate::model::Text;
use crate::model::event::ClockChange;
use crate::model::event::{Body, TicketFact};
use crate::model::target::Target;
use crate::model::time::instant;
use crate::policy::{CalendarFile, embedded_calendars};

const DAY: i64 = 86_400_000;

/// `cn-office` as it would be a year on, with New Year's Day of 2027.
fn longer() -> CalendarFile {
    let text = embedded_calendars()[1].1;
    let text = text.replace("published_until = 2026-12-31", "published_until = 2027-12-31");
    let text = text + "\n[[holidays]]\nlabel = \"元旦\"\ndays = [\"2027-01-01/2027-01-03\"]\n";
    CalendarFile::parse("cn-office", &text, &Zones::bundled()).unwrap()
}

fn at(text: &str) -> i64 {
    instant("at", text.as_bytes()).unwrap()
}

/// Due of the resolution, and whether it is provisional.
fn resolution(engine: &Engine, id: &str) -> (i64, bool) {
    let slot = engine.state.ticket_slot(id).unwrap();
    let ticket = engine.state.tickets.get(slot).unwrap();
    let clock = ticket.clock(&Target::Resolution).unwrap();
    (clock.due, clock.provisional)
}

fn new_year() -> Desk {
    let mut desk = Desk::with_everything();
    desk.advance(at("2026-12-30T00:00:00Z") - desk.now);
    for id in ["t", "u"] {
        desk.run(&open(id, |open| open.policy = Some(Text::new("office"))));
    }
    let plain = at("2027-01-01T10:00:00Z");
    assert_eq!(
        resolution(&desk.engine, "t"),
        (plain, true),
        "the plain week counts"
    );
    desk
}

#[test]
fn dues_past_the_old_end_move_when_the_calendar_goes_further() {
    let mut desk = new_year();
    // One that is set by hand hangs on no calendar.
    let by_hand = at("2027-01-02T00:00:00Z");
    desk.run(&ticket(
        "u",
        crate::model::command::TicketOp::Set(Box::new(crate::model::command::Fields {
            dues: vec![(Target::Resolution, by_hand)],
            ..Default::default()
        })),
    ));
    let seq = desk.calendar("cn-office", 2, longer());
    let moved = at("2027-01-04T10:00:00Z");
    assert_eq!(resolution(&desk.engine, "t"), (moved, false));
    assert_eq!(resolution(&desk.engine, "u"), (by_hand, false));
    let event = desk
        .log
        .iter()
        .skip(seq as usize)
        .find(|event| event.cause == seq)
        .unwrap();
    let Body::Ticket(told) = &event.body else {
        panic!("{event:?}")
    };
    assert!(matches!(told.fact, TicketFact::Changed(_)));
    let effects = &told.clocks.as_ref().unwrap().effects;
    assert!(matches!(effects[0].change, ClockChange::Moved { due, provisional: false, .. } if due == moved));
    assert_eq!(effects.len(), 1);
    // Nothing more comes of it, and replay gives the same.
    let end = desk.engine.seq();
    desk.drain();
    assert_eq!(desk.engine.seq(), end);
    let hash = desk.hash();
    let mut replayed = Engine::new(Config {
        virtual_clock: true,
        closed_max: 50,
        tokens_max: 20,
        ..Config::default()
    });
    for (place, event) in desk.log.iter().enumerate() {
        replayed.replay(place as u64 + 1, event).unwrap();
    }
    assert_eq!(replayed.state_hash(), hash);
    // New tickets count by the longer one at once.
    desk.run(&open("v", |open| open.policy = Some(Text::new("office"))));
    assert_eq!(resolution(&desk.engine, "v"), (moved, false));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut desk = new_year();
    desk.calendar("cn-office", 2, longer());
    let hash = desk.hash();
    // The process ended right after the calendar's own event.
    let extended = |event: &crate::model::event::Event| matches!(&event.body, Body::CalendarExtended(c) if c.version == 2);
    let until = desk.log.iter().position(extended).unwrap() + 1;
    let mut again = Engine::new(Config {
        virtual_clock: true,
        closed_max: 50,
        tokens_max: 20,
        ..Config::default()
    });
    for (place, event) in desk.log[..until].iter().enumerate() {
        again.replay(place as u64 + 1, event).unwrap();
    }
    again.ready(desk.now);
    let mut out = Output::default();
    while again.advance(desk.now, 7, &mut out) {}
    assert_eq!(again.state_hash(), hash, "{:?}", out.events);
}

#[test]
fn a_calendar_that_differs_counts_for_later_policies_alone() {
    let mut desk = new_year();
    let text = embedded_calendars()[1].1.replace("18:00", "17:00");
    let other = CalendarFile::parse("cn-office", &text, &Zones::bundled()).unwrap();
    desk.calendar("cn-office", 2, other);
    desk.run(&open("v", |open| open.policy = Some(Text::new("office"))));
    assert_eq!(resolution(&desk.engine, "v").0, at("2027-01-01T10:00:00Z"));
    assert_eq!(resolution(&desk.engine, "t").0, at("2027-01-01T10:00:00Z"));
    desk.advance(DAY / 24);
}

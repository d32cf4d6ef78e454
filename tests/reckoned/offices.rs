//! Calendars drawn at random: windows of a week, days off, and a first version that does not go as far as the second.

use crate::random::Random;
use std::fmt::Write;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 86_400_000;
/// Monday 23 March 2026, 00:00 UTC: the clocks of Europe go forward on the 29th.
pub(crate) const MONDAY: i64 = 1_774_224_000_000;

/// A calendar, and how far it was published at first.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) name: String,
    /// Published up to some day.
    pub(crate) short: String,
    /// What it is published as later on.
    pub(crate) long: String,
}

impl Office {
    pub(crate) fn draw(dice: &mut Random, name: &str) -> Office {
        let zone = *dice.pick(&["UTC", "Europe/Berlin", "Asia/Shanghai"]);
        let mut week = String::new();
        let open = dice.below(5) as usize;
        for (place, name) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .enumerate()
        {
            let hours = if place == open {
                "\"09:00-17:00\"".to_owned()
            } else {
                windows(dice)
            };
            let _ = writeln!(week, "{name} = [{hours}]");
        }
        let published = 3 + dice.below(30) as i64;
        let head = |until: i64| {
            format!(
                "name = \"{name}\"\nzone = \"{zone}\"\npublished_until = {}\n[week]\n{week}",
                date(until)
            )
        };
        let (mut known, mut later) = (String::new(), String::new());
        let mut free: Vec<i64> = (0..70).collect();
        for _ in 0..dice.below(14) {
            let day = free.swap_remove(dice.below(free.len() as u64) as usize);
            let mut said = format!("[[holidays]]\nlabel = \"h\"\ndays = [\"{}\"]\n", date(day));
            if dice.one_in(3) {
                let hours = windows(dice);
                said = format!(
                    "[[overrides]]\nlabel = \"o\"\ndays = [\"{}\"]\nhours = [{hours}]\n",
                    date(day)
                );
            }
            if day <= published {
                known += &said
            } else {
                later += &said
            }
        }
        Office {
            name: name.to_owned(),
            short: head(published) + &known,
            long: head(600) + &known + &later,
        }
    }
}

pub(crate) fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(MONDAY + day * DAY).unwrap();
    at.to_string()[..10].to_owned()
}

/// Up to three windows of a day.
fn windows(dice: &mut Random) -> String {
    let mut cuts: Vec<i64> = (0..2 * dice.below(4))
        .map(|_| dice.below(288) as i64 * 5)
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let window = |c: &[i64]| {
        format!(
            "\"{:02}:{:02}-{:02}:{:02}\"",
            c[0] / 60,
            c[0] % 60,
            c[1] / 60,
            c[1] % 60
        )
    };
    cuts.chunks_exact(2).map(window).collect::<Vec<_>>().join(", ")
}

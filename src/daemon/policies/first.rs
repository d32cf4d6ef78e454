//! The policies at a start: what the log knows, what is new in the folder and in the binary, and when not to start.

use super::folder::Folder;
use super::{Mistake, load};
use crate::daemon::core::Core;
use crate::daemon::zones::zones;
use crate::model::UnixMs;

impl Core {
    /// Loads the policies of the folder and of the binary. Mistakes leave those of the log in force: better yesterday's rules
    /// than none.
    ///
    /// # Errors
    /// Why the daemon must not start: the log knows no policy and the folder has mistakes, or the default policy is not
    /// known.
    pub fn first_policies(&mut self, now: UnixMs) -> Result<(), String> {
        let folder = Folder::read(self.shared.config.policies.as_deref());
        // The log knows policies whose files are gone, and versions with labels that newer ones do not have.
        if let (Some(r), Some(meter)) = (&self.running, &mut self.meter) {
            r.engine.policies_in_force().for_each(|fact| meter.policy(fact));
        }
        let known = self.known_policies();
        match load::load(&folder, &known, &zones(), now) {
            Ok(load) => {
                for kept in load.kept.iter().chain(&load.calendars.kept) {
                    tracing::warn!("{kept} stays in force, but the folder of policies has no file for it");
                }
                self.activate(now, &load);
            }
            Err(mistakes) if known.is_empty() => {
                let all: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
                return Err(format!(
                    "the policies cannot be loaded, and the log knows none: {}",
                    all.join(" | ")
                ));
            }
            Err(mistakes) => self.note_mistakes(mistakes),
        }
        let default = &self.shared.config.default_policy.clone();
        let known = self.known_policies();
        if known.has(default) {
            return Ok(());
        }
        Err(format!(
            "default_policy \"{default}\" is not known: it takes one of {}",
            known.names()
        ))
    }
}

//! How verbs show deliveries.

use api::{Delivery, DeliveryState};

/// One target in words: what it has, or what is in the way.
pub fn describe(delivery: &Delivery) -> String {
    let Delivery { target, place, state, at, tries, reason, next, .. } = delivery;
    let since = at.map_or_else(String::new, |at| format!(" since {at}"));
    let next = next.map_or_else(String::new, |next| format!("; next try at {next}"));
    match state {
        DeliveryState::Delivered => format!("delivered to {target} ({place}){since}"),
        DeliveryState::Delivering => format!("delivering to {target} ({place})"),
        // Not tried at all: something is held.
        DeliveryState::Failing if *tries == 0 => format!("not delivered to {target} ({place}): {reason}"),
        DeliveryState::Failing => format!("delivering to {target} ({place}), {} failed: {reason}{next}", tried(*tries)),
    }
}

fn tried(tries: u64) -> String {
    if tries == 1 { "the first try".into() } else { format!("{tries} tries") }
}

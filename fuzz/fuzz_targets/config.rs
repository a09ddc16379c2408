//! A project's configuration: whatever it says, checking it ends, and what passes the check is well formed.

#![no_main]

use domain::{ProjectConfig, canonical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = serde_json::from_slice::<ProjectConfig>(bytes) else { return };
    let spelled = canonical::to_vec(&config);
    assert_eq!(
        serde_json::from_slice::<ProjectConfig>(&spelled).ok().as_ref(),
        Some(&config),
        "a configuration survives its canonical form"
    );
    if config.check().is_err() {
        return;
    }
    assert_eq!(config.stages_in_order().len(), config.stages.len(), "a checked graph has an order");
    for (component, _) in &config.components {
        let repository = config.repository(component).expect("a checked component has a repository");
        assert_eq!(config.component_of(&repository), Some(component));
        assert_eq!(repository.project().as_ref(), Some(&config.project));
    }
    for stage in config.stages.values() {
        let _ = stage.full_gate().digest();
    }
});

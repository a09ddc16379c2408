//! Retention against a model: whatever is pushed, tagged, promoted, rolled back, held, kept, deleted and collected, in whatever order and
//! with a crash at any step, everything that a root leads to can be pulled, byte by byte.

mod model;
mod shelf;

use domain::Span;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use testkit::Column;

use model::Model;
use shelf::Shelf;

/// What happens. Numbers name images, indexes and so on, and wrap around where there are fewer.
#[derive(Clone, Debug)]
enum Op {
    Image(usize),
    Index(usize),
    Referrer(usize),
    Signature(usize),
    Tag(usize, usize),
    Untag(usize),
    Delete(usize),
    Promote(usize, usize),
    RollBack(usize),
    Hold(usize),
    Unhold(usize),
    Keep(usize),
    Unkeep(usize),
    Restore(usize),
    Plan,
    Apply,
    PlanAndApply,
    Step,
    Finish,
    EmptyTrash,
    Wait(u64),
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let any = || 0..12_usize;
    prop_oneof![
        8 => any().prop_map(Op::Image),
        3 => any().prop_map(Op::Index),
        2 => any().prop_map(Op::Referrer),
        2 => any().prop_map(Op::Signature),
        2 => (any(), any()).prop_map(|(image, tag)| Op::Tag(image, tag)),
        1 => any().prop_map(Op::Untag),
        1 => any().prop_map(Op::Delete),
        2 => (any(), any()).prop_map(|(artifact, stage)| Op::Promote(artifact, stage)),
        1 => any().prop_map(Op::RollBack),
        1 => any().prop_map(Op::Hold),
        2 => any().prop_map(Op::Unhold),
        1 => any().prop_map(Op::Keep),
        2 => any().prop_map(Op::Unkeep),
        3 => any().prop_map(Op::Restore),
        1 => Just(Op::Plan),
        1 => Just(Op::Apply),
        5 => Just(Op::PlanAndApply),
        12 => Just(Op::Step),
        2 => Just(Op::Finish),
        1 => Just(Op::EmptyTrash),
        6 => prop::sample::select(vec![1, 3, 5, 14_u64]).prop_map(Op::Wait),
        1 => Just(Op::Crash),
    ]
}

#[test]
fn no_root_ever_loses_a_byte() {
    let (collected, restored) = lived_through(8, Column::of_this_run);
    assert!(collected >= 30 && restored >= 2, "too little happens: {collected} were collected, {restored} restored");
}

/// The same where several machines share the storage.
#[test]
fn nor_on_storage_that_is_shared() {
    let (collected, _) = lived_through(2, Column::scale_out);
    assert!(collected >= 5, "too little happens: {collected} were collected");
}

/// Lives through so many lives; how many manifests were collected in all, and how many restored.
fn lived_through(lives: u32, column: impl Fn() -> Column) -> (usize, usize) {
    let config = Config { cases: lives, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let told = std::cell::Cell::new((0, 0));
    let lived = runner.run(&prop::collection::vec(op(), 40..70), |ops| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (collected, restored) = runtime.block_on(live(column(), &ops));
        told.set((told.get().0 + collected, told.get().1 + restored));
        Ok(())
    });
    lived.expect("nothing is lost");
    told.get()
}

/// Lives through the steps, and looks at everything after each. How many manifests were collected, and how many restored.
async fn live(column: Column, ops: &[Op]) -> (usize, usize) {
    let mut shelf = Shelf::on(column).await;
    let mut model = Model::default();
    for op in ops {
        shelf = take(shelf, &mut model, op).await;
        shelf.follow(&mut model).await;
        shelf.check(&model).await;
    }
    // To its end, and once more from the beginning.
    for _ in 0..2 {
        shelf.world.clock.advance(Span::from_secs(30 * 3600));
        shelf = take(shelf, &mut model, &Op::Plan).await;
        for op in [Op::Apply, Op::Finish, Op::Restore(0), Op::Restore(3), Op::EmptyTrash] {
            shelf = take(shelf, &mut model, &op).await;
            shelf.follow(&mut model).await;
            shelf.check(&model).await;
        }
    }
    shelf.check_plans().await;
    shelf.world.audit().await;
    (model.collected, model.restored)
}

async fn take(mut shelf: Shelf, model: &mut Model, op: &Op) -> Shelf {
    match op {
        Op::Image(number) => shelf.image(model, *number).await,
        Op::Index(number) => shelf.index(model, *number).await,
        Op::Referrer(number) => shelf.referrer(model, *number).await,
        Op::Signature(number) => shelf.signature(model, *number).await,
        Op::Tag(number, tag) => shelf.tag(model, *number, *tag).await,
        Op::Untag(tag) => shelf.untag(model, *tag).await,
        Op::Delete(number) => shelf.delete(model, *number).await,
        Op::Promote(number, stage) => shelf.promote(model, *number, stage % 2).await,
        Op::RollBack(stage) => shelf.roll_back(model, stage % 2).await,
        Op::Hold(number) => shelf.hold(model, *number).await,
        Op::Unhold(number) => shelf.unhold(model, *number).await,
        Op::Keep(number) => shelf.keep(model, *number).await,
        Op::Unkeep(number) => shelf.unkeep(model, *number).await,
        Op::Restore(number) => shelf.restore(model, *number).await,
        Op::Plan => shelf.plan().await,
        Op::Apply => shelf.apply().await,
        Op::PlanAndApply => {
            shelf.plan().await;
            shelf.apply().await;
        }
        Op::Step => drop(shelf.step(1).await),
        Op::Finish => while shelf.step(64).await == engine::Step::More {},
        Op::EmptyTrash => shelf.empty_trash().await,
        Op::Wait(hours) => shelf.world.clock.advance(Span::from_secs(hours * 3600)),
        Op::Crash => shelf = shelf.crash().await,
    }
    shelf
}

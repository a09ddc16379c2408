//! Databases of earlier versions become ones of this version and keep what they have; those of later versions are left alone.

use std::path::Path;

use engine::ports::{Head, Ledger};
use rusqlite::Connection;
use services::{Base, Postgres};

use crate::{
    conformance::{self, batch},
    sql::{Access, Database, Inspection, schema::VERSIONS},
};

/// What makes a database one of version `version` again: nothing of what later ones brought.
fn downgrade(version: usize) -> String {
    let later = VERSIONS[version..].iter().flat_map(|statements| statements.split("CREATE TABLE ").skip(1));
    let tables = later.filter_map(|rest| rest.split('(').next());
    let drops: String = tables.map(|table| format!("DROP TABLE {table};")).collect();
    format!("{drops} UPDATE schema_version SET version = {version};")
}

/// An entry for each version, so that it can be seen whether it stays.
async fn commit_one(database: &Database) -> Head {
    let next = batch(&database.head().await.expect("a head"), ["an entry"]);
    let head = next.next.clone();
    database.commit(next).await.expect("a commit");
    head
}

/// Tables and indices, as the file itself describes them.
fn tables(data: &Path) -> Vec<String> {
    let connection = Connection::open(data.join("selfsame.db")).expect("the file");
    let mut select = connection.prepare("SELECT name || coalesce(sql, '') FROM sqlite_master ORDER BY 1").expect("it");
    let rows = select.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

fn run(data: &Path, statements: &str) {
    let connection = Connection::open(data.join("selfsame.db")).expect("the file");
    connection.execute_batch(statements).expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_each_earlier_version_is_brought_to_this_one() {
    let new = tempfile::tempdir().expect("a folder");
    assert_eq!(Inspection::of_file(new.path()).expect("it is looked for"), None);
    drop(Database::open(new.path()).expect("a database"));
    for version in 1..VERSIONS.len() {
        let folder = tempfile::tempdir().expect("a folder");
        let head = commit_one(&Database::open(folder.path()).expect("a database")).await;
        run(folder.path(), &downgrade(version));
        let found = Inspection::of_file(folder.path()).expect("it can be looked at").expect("it is there");
        assert_eq!(found.schema, Some(version as i64));
        let database = Database::open(folder.path()).expect("it is migrated");
        assert_eq!(database.head().await.expect("a head"), head, "from version {version}");
        drop(database);
        assert_eq!(tables(folder.path()), tables(new.path()), "from version {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_database_of_each_earlier_version_is_brought_to_this_one() {
    let server = Postgres::shared();
    let columns = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns \
                   WHERE table_schema = 'public' ORDER BY 1, 2";
    let indices = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
    let described = |base: &Base| server.run(base, columns) + &server.run(base, indices);
    let new = server.base();
    drop(open(&new).await);
    for version in 1..VERSIONS.len() {
        let base = server.base();
        let head = commit_one(&open(&base).await).await;
        server.run(&base, &downgrade(version));
        assert_eq!(inspect(&base).await.schema, Some(version as i64));
        let database = open(&base).await;
        assert_eq!(database.head().await.expect("a head"), head, "from version {version}");
        assert_eq!(described(&base), described(&new), "from version {version}");
        assert_eq!(inspect(&base).await.schema, Some(Inspection::SCHEMA));
    }
    // Such a database is as good as any.
    let base = server.base();
    drop(open(&base).await);
    server.run(&base, &downgrade(1));
    conformance::ledger(&open(&base).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Database::open(folder.path()).expect("a database"));
    run(folder.path(), "UPDATE schema_version SET version = 77");
    let base = Postgres::shared().base();
    drop(open(&base).await);
    Postgres::shared().run(&base, "UPDATE schema_version SET version = 77");
    let address = || Postgres::shared().url(&base).parse().expect("an address");
    let refused = [
        Database::open(folder.path()).err(),
        Database::connect(address(), Access::Shared).await.err(),
        Database::connect(address(), Access::Alone).await.err(),
    ];
    for refused in refused {
        let said = refused.expect("it is too new").to_string();
        assert!(said.contains("schema version 77") && said.contains("use a newer program"), "{said}");
    }
    let found = [Inspection::of_file(folder.path()).expect("a look").expect("a file"), inspect(&base).await];
    assert_eq!(found.map(|found| found.schema), [Some(77), Some(77)]);
}

async fn open(base: &Base) -> Database {
    let address = Postgres::shared().url(base).parse().expect("an address");
    Database::connect(address, Access::Shared).await.expect("a database")
}

async fn inspect(base: &Base) -> Inspection {
    let address = Postgres::shared().url(base).parse().expect("an address");
    Inspection::of_server(&address).await.expect("it can be asked")
}

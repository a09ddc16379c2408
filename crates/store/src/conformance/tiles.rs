//! What every [`Tiles`] does.

use engine::ports::Tiles;

/// Checks a published ledger, which must be empty.
pub async fn tiles(tiles: &dyn Tiles) {
    assert_eq!(tiles.get("checkpoint").await.unwrap(), None);
    let first = [("tile/0/000.p/5", "hashes"), ("tile/entries/000.p/5", "entries"), ("checkpoint", "5")];
    tiles.put(first.map(|(path, text)| (path.into(), text.into())).into()).await.unwrap();
    for (path, text) in first {
        assert_eq!(tiles.get(path).await.unwrap().as_deref(), Some(text.as_bytes()), "`{path}`");
    }
    tiles.put(vec![("checkpoint".into(), "6".into())]).await.unwrap();
    assert_eq!(tiles.get("checkpoint").await.unwrap().as_deref(), Some(&b"6"[..]), "a file is replaced");
    let partial = "tile/0/x001/000.p/7";
    tiles.put([partial, "tile/0/x001/000"].map(|path| (path.into(), "hashes".into())).into()).await.unwrap();
    tiles.delete_partials(vec!["tile/0/x001/000".into(), "tile/0/x001/001".into()]).await.unwrap();
    assert_eq!(tiles.get(partial).await.unwrap(), None, "the full tile does instead");
    for stays in ["tile/0/x001/000", "tile/0/000.p/5", "tile/entries/000.p/5"] {
        assert!(tiles.get(stays).await.unwrap().is_some(), "`{stays}` stays");
    }
    tiles.put(vec![(partial.into(), "again".into())]).await.unwrap();
    assert!(tiles.get(partial).await.unwrap().is_some(), "its folder is made again");
    for outside in
        ["", ".", "/checkpoint", "../checkpoint", "tile/../checkpoint", "tile/0/000.p/../5", "tile", "tile/0/"]
    {
        assert_eq!(tiles.get(outside).await.unwrap(), None, "`{outside}` is no file of a ledger");
        assert!(tiles.put(vec![(outside.into(), "x".into())]).await.is_err(), "`{outside}` is not written");
    }
}

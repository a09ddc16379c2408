//! [`Address`]: where a PostgreSQL is, who connects, and how the connection is protected.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::config::{Config, Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use engine::ports::Trouble;

/// How long connecting takes at most, to one host.
const CONNECT: Duration = Duration::from_secs(5);
/// After how much silence the other side is asked whether it is still there, how often, and how many times.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
const KEEPALIVE_TIMES: u32 = 3;

/// What every session is set to, whatever the server's own settings are: nobody who is stopped or cut off keeps others waiting for long.
const OPTIONS: &str = "-c statement_timeout=15s -c lock_timeout=4s -c idle_in_transaction_session_timeout=5s \
     -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10s \
     -c client_min_messages=warning";

/// The address of a PostgreSQL database, as a URL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`.
///
/// The certificate of the server is verified whenever there is TLS: against `sslrootcert`, or against what the system trusts. TLS is the
/// default, except towards this machine itself. The password is never shown.
#[derive(Clone)]
pub struct Address {
    config: Box<Config>,
    roots: Option<PathBuf>,
}

/// Why a text is no address of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It is not a URL of PostgreSQL.
    #[error("a database is given as `postgres://USER@HOST:PORT/DATABASE`")]
    Scheme,
    /// Something in it is not understood. It is not shown, for it may be a part of a password.
    #[error(
        "the database's address cannot be read ({0}): characters such as `@`, `/` and `%` of a password are written as `%40`, `%2F`, `%25`"
    )]
    Unreadable(String),
    /// It says no host or no database.
    #[error("the database's address names no {0}: it is given as `postgres://USER@HOST:PORT/DATABASE`")]
    Missing(&'static str),
    /// It leaves open whether the connection is encrypted.
    #[error(
        "`sslmode={0}` is not known here: say `verify-full` for TLS, or `disable` for a network that nobody else is on"
    )]
    Mode(String),
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(InvalidAddress::Scheme);
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut roots, mut others) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(value.replace("%2F", "/"))),
                _ => others.push(pair),
            }
        }
        let rest = if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
        let mut config: Config = rest.parse().map_err(|error| InvalidAddress::Unreadable(said(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(InvalidAddress::Missing("host"));
        }
        if config.get_dbname().is_none() {
            return Err(InvalidAddress::Missing("database"));
        }
        config.ssl_mode(match mode {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(other) => return Err(InvalidAddress::Mode(other.chars().take(40).collect())),
            None if roots.is_none() && config.get_hosts().iter().all(is_here) => SslMode::Disable,
            None => SslMode::Require,
        });
        let options = config.get_options().map_or(OPTIONS.to_owned(), |given| format!("{given} {OPTIONS}"));
        config.options(options).application_name("selfsame").connect_timeout(CONNECT);
        config.keepalives(true).keepalives_idle(KEEPALIVE_AFTER);
        config.keepalives_interval(KEEPALIVE_EVERY).keepalives_retries(KEEPALIVE_TIMES);
        config.tcp_user_timeout(Duration::from_secs(10));
        Ok(Self { config: Box::new(config), roots })
    }
}

/// What an error says of the form of an address. Its source may quote a value.
fn said(error: &tokio_postgres::Error) -> String {
    error.to_string()
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

impl Address {
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// How sessions are encrypted, if they are.
    pub(super) fn tls(&self) -> Result<MakeRustlsConnect, Trouble> {
        let mut roots = RootCertStore::empty();
        let trouble = |error: String| Trouble::new(format!("read the certificates to verify {self} with"), error);
        match (self.config.get_ssl_mode(), &self.roots) {
            (SslMode::Disable, _) => {}
            (_, Some(file)) => {
                let unreadable = |error: &dyn fmt::Display| trouble(format!("`{}`: {error}", file.display()));
                for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
                    let certificate = certificate.map_err(|error| unreadable(&error))?;
                    roots.add(certificate).map_err(|error| unreadable(&error))?;
                }
                if roots.is_empty() {
                    return Err(unreadable(&"it holds no certificate"));
                }
            }
            _ => {
                let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if added == 0 {
                    return Err(trouble("this system has none: name a file with `sslrootcert`".into()));
                }
            }
        }
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| trouble(error.to_string()))?;
        Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (position, host) in self.config.get_hosts().iter().enumerate() {
            let port = self.config.get_ports().get(position).or_else(|| self.config.get_ports().first());
            let comma = if position > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{}", port.unwrap_or(&5432))?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, InvalidAddress, SslMode};

    #[test]
    fn what_is_no_address_is_refused_and_what_is_one_keeps_its_secret() {
        type Found<'a> = Result<(SslMode, &'a str), InvalidAddress>;
        let cases: [(&str, Found<'_>); 11] = [
            ("postgres://me:s3cret@db.example.org/led", Ok((SslMode::Require, "postgres://db.example.org:5432/led"))),
            ("postgresql://me:s3cret@127.0.0.1:5433/led", Ok((SslMode::Disable, "postgres://127.0.0.1:5433/led"))),
            ("postgres://me@localhost/led", Ok((SslMode::Disable, "postgres://localhost:5432/led"))),
            ("postgres://me@%2Frun%2Fpg/led", Ok((SslMode::Disable, "postgres:///run/pg/led"))),
            (
                "postgres://me@localhost/led?sslmode=verify-full",
                Ok((SslMode::Require, "postgres://localhost:5432/led")),
            ),
            ("postgres://me@a,b/led?sslmode=disable", Ok((SslMode::Disable, "postgres://a:5432,b:5432/led"))),
            ("mysql://me@a/led", Err(InvalidAddress::Scheme)),
            ("postgres://me:s3cret@a/led?sslmode=prefer", Err(InvalidAddress::Mode("prefer".into()))),
            ("postgres://me:s3cret@a", Err(InvalidAddress::Missing("database"))),
            ("postgres:///led", Err(InvalidAddress::Missing("host"))),
            ("postgres://me@a/led?sslmode=", Err(InvalidAddress::Mode(String::new()))),
        ];
        for (text, expected) in cases {
            let found = text.parse::<Address>();
            let said = format!("{found:?} {}", found.as_ref().map_or_else(ToString::to_string, ToString::to_string));
            assert!(!said.contains("s3cret"), "{said}");
            let found = found.map(|address| (address.config.get_ssl_mode(), address.to_string()));
            assert_eq!(found, expected.map(|(mode, shown)| (mode, shown.to_owned())), "{text}");
        }
    }
}

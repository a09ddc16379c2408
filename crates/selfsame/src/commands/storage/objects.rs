//! Options that name an object storage.

use clap::{Args, ValueEnum};
use store::objects::{BucketUrl, Endpoint, Place, Style};

use crate::outcome::{Failure, Outcome};

/// Where blobs and the published ledger are kept, if not in the data directory, which remembers it. Credentials come from the environment:
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, with temporary ones, `AWS_SESSION_TOKEN`.
#[derive(Clone, Debug, Default, Args)]
pub struct ObjectArgs {
    /// Keep blobs and the published ledger in this bucket, from the ledger's beginning on; credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
    #[arg(long, env = "SELFSAME_OBJECTS", value_name = "s3://BUCKET/PREFIX")]
    objects: Option<BucketUrl>,
    /// The S3-compatible server; Amazon's without it.
    #[arg(long, env = "SELFSAME_OBJECTS_ENDPOINT", value_name = "URL")]
    objects_endpoint: Option<Endpoint>,
    /// The region that requests are signed for; `us-east-1` without it.
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    objects_region: Option<String>,
    /// Where the bucket stands in a request: in the path, or in the name of the host.
    #[arg(long, value_enum, env = "SELFSAME_OBJECTS_STYLE", value_name = "STYLE")]
    objects_style: Option<Standing>,
}

/// Where the bucket stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Standing {
    /// In the path.
    Path,
    /// In the name of the host.
    Host,
}

impl ObjectArgs {
    /// The place that was named.
    pub fn place(&self) -> Outcome<Option<Place>> {
        let Some(bucket) = self.objects.clone() else {
            return match &self.objects_endpoint {
                Some(endpoint) => Err(Failure::usage(
                    format!("`{endpoint}` is named, and no bucket"),
                    "name the bucket with --objects s3://BUCKET/PREFIX",
                )),
                None => Ok(None),
            };
        };
        let style = match self.objects_style {
            Some(Standing::Host) => Style::Host,
            Some(Standing::Path) | None => Style::Path,
        };
        let region = self.objects_region.clone().filter(|region| !region.is_empty());
        Ok(Some(Place {
            bucket,
            endpoint: self.objects_endpoint.clone(),
            region: region.unwrap_or("us-east-1".into()),
            style,
        }))
    }
}

//! Layer 1: uploaded service providers, in a database.

use super::Sql;
use super::StoreError;
use super::link::{Access, Ending};
use super::value::{Row, Statement, number};
use crate::saml::EntityId;
use crate::store::Answer;
use crate::store::record::TenantId;
use crate::store::uploads::{Mark, Upload, Uploads};

macro_rules! upload {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, entity_id, version, metadata, profile, signed_requests, unsolicited, \
             author, uploaded_at FROM uploads WHERE tenant = $1 AND entity_id = $2 \
             ORDER BY version ",
            $rest
        )
    };
}

impl Uploads for Sql {
    fn add_upload<'a>(&'a self, upload: &'a Upload) -> Answer<'a, bool> {
        Box::pin(async move {
            let signed = upload.signed_requests.map(|signed| if signed { "yes" } else { "no" });
            let unsolicited = upload.unsolicited.as_ref().map(|states| states.join("\n"));
            let statement = Statement::new(
                "INSERT INTO uploads (tenant, entity_id, version, metadata, profile, \
                 signed_requests, unsolicited, author, uploaded_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(&upload.tenant)
            .bind(upload.entity_id.as_str())
            .bind(number(upload.version))
            .bind(upload.metadata.as_deref())
            .bind(upload.profile.as_deref())
            .bind(signed)
            .bind(unsolicited.as_deref())
            .bind(upload.author.as_str())
            .bind(upload.at);
            Ok(self.link.together("add_upload", &[statement]).await? == Ending::Done)
        })
    }

    fn upload_marks(&self) -> Answer<'_, Vec<Mark>> {
        Box::pin(async move {
            let statement = Statement::new(
                "SELECT tenant, entity_id, MAX(version) FROM uploads GROUP BY tenant, entity_id \
                 ORDER BY tenant, entity_id",
            );
            let read = |mut row: Row| {
                Ok(Mark {
                    tenant: row.tenant()?,
                    entity_id: row.entity_id()?,
                    version: row.number()?,
                })
            };
            self.many("upload_marks", Access::Read, statement, read).await
        })
    }

    fn last_upload<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Option<Upload>> {
        Box::pin(async move {
            let statement = Statement::new(upload!("DESC LIMIT 1"));
            let statement = statement.bind(tenant).bind(entity_id.as_str());
            self.one("last_upload", Access::Read, statement, upload).await
        })
    }

    fn uploads<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<Upload>> {
        Box::pin(async move {
            let statement = Statement::new(upload!("ASC"));
            let statement = statement.bind(tenant).bind(entity_id.as_str());
            self.many("uploads", Access::Read, statement, upload).await
        })
    }
}

fn upload(mut row: Row) -> Result<Upload, StoreError> {
    Ok(Upload {
        tenant: row.tenant()?,
        entity_id: row.entity_id()?,
        version: row.number()?,
        metadata: row.maybe_text()?,
        profile: row.maybe_text()?,
        signed_requests: row.maybe_text()?.map(|text| text == "yes"),
        unsolicited: row.maybe_text()?.map(|text| text.lines().map(str::to_owned).collect()),
        author: row.text()?,
        at: row.time()?,
    })
}

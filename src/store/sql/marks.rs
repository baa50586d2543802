//! Layer 1: what must not be undone or repeated, in a database.

use time::OffsetDateTime;

use super::Sql;
use super::accounts::{account, account_columns};
use super::link::{Access, Ending};
use super::value::{Row, Statement, limit};
use crate::store::Answer;
use crate::store::mark::{Mark, MarkKind, Marked, Marks, Visitor};
use crate::store::record::{PersonId, TenantId};

macro_rules! forget {
    ($lock:literal) => {
        concat!(
            "WITH over AS MATERIALIZED (SELECT tenant, kind, id FROM marks WHERE until <= $1 \
             ORDER BY until LIMIT $2",
            $lock,
            ") DELETE FROM marks WHERE (tenant, kind, id) IN (SELECT tenant, kind, id FROM over) \
             RETURNING id"
        )
    };
}

impl Marks for Sql {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        Box::pin(async move {
            let statement = Statement::new(
                "INSERT INTO marks (tenant, kind, id, until) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
            );
            let statement = statement.bind(&mark.tenant).bind(mark.kind.name());
            let statement = statement.bind(mark.id.as_str()).bind(mark.until);
            let ending = self.link.together("mark", &[statement]).await?;
            Ok(if ending == Ending::Done { Marked::Now } else { Marked::Before })
        })
    }

    fn visitor<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
        session: &'a str,
    ) -> Answer<'a, Option<Visitor>> {
        Box::pin(async move {
            let statement = Statement::new(concat!(
                "SELECT (SELECT count(*) FROM marks WHERE tenant = $1 AND kind = $4 AND id = $3), ",
                account_columns!(),
                " FROM accounts WHERE tenant = $1 AND user_id = $2"
            ));
            let statement = statement.bind(tenant).bind(user).bind(session);
            let statement = statement.bind(MarkKind::EndedSession.name());
            let read = |mut row: Row| {
                let session_ended = row.number::<u64>()? > 0;
                Ok(Visitor { session_ended, account: account(row)? })
            };
            self.one("visitor", Access::Read, statement, read).await
        })
    }

    fn forget_marks(&self, now: OffsetDateTime, at_most: usize) -> Answer<'_, usize> {
        Box::pin(async move {
            let statement = Statement {
                sqlite: forget!(""),
                postgres: forget!(" FOR UPDATE SKIP LOCKED"),
                values: vec![now.into(), limit(at_most).into()],
            };
            Ok(self.link.rows("forget_marks", Access::Write, statement).await?.len())
        })
    }
}

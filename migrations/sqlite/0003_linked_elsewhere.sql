-- Whether a cloud account is linked in another tenant: a notification for one tenant must not be
-- believed at another.

CREATE INDEX accounts_cloud_everywhere ON accounts (cloud_domain_id)
    WHERE state IN ('linked', 'unlinking');

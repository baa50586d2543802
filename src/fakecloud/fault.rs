//! The catalogue of everything the simulated cloud refuses. Apart room `fakecloud`; contract §2,
//! §4.5, §5.
//!
//! The live cloud's error texts are not public (contract §4.5), so these codes are our own. They
//! are stable: a checker may compare them. A new check gets a new number; no number is used twice.

use std::fmt;

use axum::http::StatusCode;

macro_rules! catalogue {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $number:literal, $status:literal, $zh:literal;
    )+) => {
        /// One way in which the simulated cloud says no, shown as `FC-nnn`.
        #[allow(clippy::doc_markdown, reason = "the sentences are shown to people as they stand")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[doc = $doc])+ $name,)+ }

        impl Fault {
            /// Every fault, in the order of its number.
            pub const ALL: &'static [Fault] = &[$(Fault::$name,)+];

            /// The number behind `FC-`.
            pub fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// HTTP status of the page or API answer.
            pub fn status(self) -> StatusCode {
                let status = match self { $(Self::$name => $status,)+ };
                StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
            }

            /// What is wrong, in English.
            pub fn english(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// What is wrong, in Chinese.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$name => $zh,)+ }
            }
        }
    };
}

catalogue! {
    /// The link has no xAccountType.
    AccountTypeMissing = 101, 400, "链接缺少 xAccountType 参数。";
    /// No platform is provisioned under this xAccountType.
    AccountTypeUnknown = 102, 400, "没有以此 xAccountType 开通的平台。";
    /// The service address is not https on a console host of this site.
    ServiceNotAllowed = 103, 400, "service 地址不是本站点控制台主机上的 https 地址。";
    /// isFirstLogin is neither true nor false.
    FirstLoginUnreadable = 104, 400, "isFirstLogin 既不是 true 也不是 false。";
    /// A parameter of the link is sent twice.
    LinkParameterTwice = 105, 400, "链接中的参数重复出现。";
    /// The link's query is not valid percent-encoded UTF-8, or too long.
    LinkUnreadable = 106, 400, "链接的查询串不是有效的百分号编码 UTF-8，或过长。";
    /// Too many logins are waiting for an answer; try later.
    TooManyOutstanding = 107, 503, "等待应答的登录过多，请稍后重试。";

    /// The consumer takes POST only.
    MethodNotPost = 201, 405, "断言消费地址只接受 POST。";
    /// The body is not a URL-encoded form.
    NotAForm = 202, 415, "请求体不是 URL 编码的表单。";
    /// The form is larger than the limit.
    FormTooLarge = 203, 413, "表单超过大小上限。";
    /// The form is not valid percent-encoded UTF-8.
    FormUnreadable = 204, 400, "表单不是有效的百分号编码 UTF-8。";
    /// A form field is sent twice.
    FieldTwice = 205, 400, "表单字段重复出现。";
    /// The form has no SAMLResponse.
    ResponseMissing = 206, 400, "表单缺少 SAMLResponse。";
    /// The form has no RelayState.
    RelayStateMissing = 207, 400, "表单缺少 RelayState。";
    /// The SAMLResponse is not strict base64.
    BadBase64 = 208, 400, "SAMLResponse 不是严格的 base64。";
    /// The message is not UTF-8, or declares another encoding.
    NotUtf8 = 209, 400, "报文不是 UTF-8，或声明了其他编码。";
    /// The message has a DOCTYPE.
    Doctype = 210, 400, "报文含有 DOCTYPE。";
    /// The message is not well-formed, namespace-correct XML within the limits.
    Malformed = 211, 400, "报文不是格式良好、命名空间正确且在限制之内的 XML。";
    /// The message is not a SAML 2.0 Response.
    NotAResponse = 212, 400, "报文不是 SAML 2.0 Response。";
    /// An element that may stand once stands more often.
    ElementTwice = 213, 400, "只允许出现一次的元素重复出现。";
    /// An element that holds text holds elements.
    NotText = 214, 400, "应只含文本的元素含有子元素。";
    /// The Version is not 2.0.
    VersionWrong = 215, 400, "Version 不是 2.0。";
    /// The Status is not Success.
    StatusNotSuccess = 216, 403, "Status 不是 Success。";

    /// The Response has no Assertion.
    AssertionMissing = 301, 400, "Response 中没有 Assertion。";
    /// The Assertion is encrypted; this cloud takes plain ones.
    AssertionEncrypted = 302, 400, "Assertion 被加密；本云只接受未加密的断言。";
    /// There is more than one Assertion.
    AssertionTwice = 303, 400, "存在多个 Assertion。";
    /// The Assertion is not a child of the Response.
    AssertionMisplaced = 304, 400, "Assertion 不是 Response 的子元素。";
    /// An ID is missing or used twice in the document.
    IdNotUnique = 305, 400, "文档中的 ID 缺失或重复。";
    /// The Assertion is not signed.
    SignatureMissing = 306, 400, "Assertion 没有签名。";
    /// A Signature stands elsewhere than as the one child of the Assertion, after its Issuer.
    SignatureMisplaced = 307, 400, "签名不是 Assertion 中紧随 Issuer 的唯一子元素。";
    /// The Signature holds other things than SignedInfo, SignatureValue and KeyInfo.
    SignatureShape = 308, 400, "签名含有 SignedInfo、SignatureValue、KeyInfo 之外的内容。";
    /// There is not exactly one Reference.
    ReferenceCount = 309, 400, "Reference 不是恰好一个。";
    /// The Reference does not point at the ID of the Assertion.
    ReferenceElsewhere = 310, 400, "Reference 没有指向 Assertion 的 ID。";
    /// The transforms are not exactly enveloped-signature and exclusive C14N.
    TransformsWrong = 311, 400, "Transforms 不是恰好 enveloped-signature 与独占规范化。";
    /// SignedInfo is not canonicalised with exclusive C14N.
    CanonicalizationWrong = 312, 400, "SignedInfo 没有使用独占规范化。";
    /// The signature algorithm is not rsa-sha256.
    SignatureAlgorithmWrong = 313, 400, "签名算法不是 rsa-sha256。";
    /// The digest algorithm is not sha256.
    DigestAlgorithmWrong = 314, 400, "摘要算法不是 sha256。";
    /// KeyInfo carries no certificate.
    KeyInfoMissing = 315, 400, "KeyInfo 中没有证书。";
    /// The certificate in KeyInfo is not a signing certificate of the provisioned metadata.
    KeyInfoForeign = 316, 403, "KeyInfo 中的证书不是已登记元数据中的签名证书。";
    /// The Assertion was changed after it was signed: the digest differs.
    DigestMismatch = 317, 403, "Assertion 在签名后被改动：摘要不一致。";
    /// The signature does not verify with the metadata's certificate.
    SignatureInvalid = 318, 403, "用元数据中的证书验签失败。";
    /// The element that was verified is not the element that would be read.
    NodeMismatch = 319, 403, "通过验签的元素不是将要读取的元素。";

    /// The Response answers no request that this cloud has sent.
    RequestUnknown = 401, 400, "Response 应答的不是本云发出的请求。";
    /// The request was answered before; each is answered once.
    RequestAnswered = 402, 400, "该请求已被应答；每个请求只能应答一次。";
    /// The request has expired.
    RequestExpired = 403, 400, "该请求已过期。";
    /// The RelayState is not the one that was sent with the request.
    RelayStateWrong = 404, 400, "RelayState 与请求所带的不一致。";
    /// The answer comes in another browser than the one that was sent to sign in.
    OtherBrowser = 405, 403, "应答来自另一个浏览器，而非被送去登录的浏览器。";
    /// The Destination is not this cloud's consumer.
    DestinationWrong = 406, 400, "Destination 不是本云的断言消费地址。";
    /// The Response's Issuer is not the entityID of the provisioned metadata.
    ResponseIssuerWrong = 407, 400, "Response 的 Issuer 不是已登记元数据的 entityID。";
    /// The Assertion's Issuer is not the entityID of the provisioned metadata.
    AssertionIssuerWrong = 408, 400, "Assertion 的 Issuer 不是已登记元数据的 entityID。";
    /// The Subject or its NameID is missing or empty.
    NameIdMissing = 409, 400, "缺少 Subject 或 NameID，或其为空。";
    /// The NameID's Format is not transient.
    NameIdFormatWrong = 410, 400, "NameID 的 Format 不是 transient。";
    /// The NameQualifier is not this cloud's entityID.
    NameQualifierWrong = 411, 400, "NameQualifier 不是本云的 entityID。";
    /// There is no bearer SubjectConfirmation with its data.
    ConfirmationMissing = 412, 400, "缺少 bearer 方式的 SubjectConfirmation 及其数据。";
    /// The Recipient is not this cloud's consumer.
    RecipientWrong = 413, 400, "Recipient 不是本云的断言消费地址。";
    /// The confirmation's InResponseTo is not the request's ID.
    ConfirmationElsewhere = 414, 400, "SubjectConfirmationData 的 InResponseTo 不是请求的 ID。";
    /// A time is missing or not a UTC xs:dateTime.
    TimeUnreadable = 415, 400, "时间缺失，或不是 UTC 的 xs:dateTime。";
    /// The IssueInstant is too far from now.
    IssueInstantWrong = 416, 400, "IssueInstant 与当前时间相差过大。";
    /// The subject confirmation is not valid yet.
    ConfirmationTooEarly = 417, 400, "主体确认尚未生效。";
    /// The subject confirmation has expired.
    ConfirmationExpired = 418, 400, "主体确认已过期。";
    /// The Conditions are missing.
    ConditionsMissing = 419, 400, "缺少 Conditions。";
    /// The Assertion is not valid yet.
    ConditionsTooEarly = 420, 400, "断言尚未生效。";
    /// The Assertion has expired.
    ConditionsExpired = 421, 400, "断言已过期。";
    /// The Audience is not this cloud's entityID.
    AudienceWrong = 422, 400, "Audience 不是本云的 entityID。";
    /// The AuthnStatement or its AuthnContextClassRef is missing.
    AuthnStatementMissing = 423, 400, "缺少 AuthnStatement 或其 AuthnContextClassRef。";
    /// The SubjectLocality Address is not this cloud's entityID.
    LocalityWrong = 424, 400, "SubjectLocality 的 Address 不是本云的 entityID。";
    /// The AuthnInstant lies in the future, or before a request that asked for a fresh sign-in.
    AuthnInstantWrong = 425, 400, "AuthnInstant 在未来，或早于要求重新认证的请求。";
    /// The SessionNotOnOrAfter has passed.
    SessionOver = 426, 400, "SessionNotOnOrAfter 已过。";
    /// An attribute is sent twice or with several values.
    AttributeTwice = 427, 400, "属性重复出现或有多个值。";
    /// The xUserId or xAccountId is missing or empty.
    AccountIdMissing = 428, 400, "xUserId 或 xAccountId 缺失或为空。";
    /// The xUserId is not equal to the xAccountId.
    AccountIdsDiffer = 429, 400, "xUserId 与 xAccountId 不一致。";
    /// The bpId is not the partner's that was provisioned for this xAccountType.
    PartnerWrong = 430, 400, "bpId 不是为此 xAccountType 登记的伙伴。";
    /// An attribute is longer than the contract allows.
    AttributeTooLong = 431, 400, "属性值超过约定长度。";

    /// No cloud account is bound to this customer.
    NotBound = 501, 403, "该客户尚未绑定云账号。";
    /// Too many sessions are open; try later.
    TooManySessions = 503, 503, "打开的会话过多，请稍后重试。";
    /// Too many accounts exist; start this simulator anew.
    TooManyAccounts = 504, 503, "账号过多，请重新启动本模拟器。";
    /// This first login is over; begin again at the partner's site.
    FirstLoginOver = 505, 410, "本次首次登录已结束，请从伙伴平台重新进入。";
    /// Too many first logins are under way; try later.
    TooManyNewcomers = 506, 503, "正在进行的首次登录过多，请稍后重试。";
    /// The system detected that registrations from your client exceed the limit; try later or from
    /// another client.
    RegistrationsExceeded = 507, 429, "系统检测到您的客户端注册数量超过限制，请稍后重试或更换客户端。";
    /// The account name does not have the form of one.
    AccountNameWrong = 508, 400, "账号名格式不正确。";
    /// An account has this name already.
    AccountNameTaken = 509, 409, "账号名已存在。";
    /// The mobile number or e-mail address is missing or does not have the form of one.
    ContactWrong = 510, 400, "手机号或邮箱缺失或格式不正确。";
    /// The mobile number or e-mail address is in use.
    ContactTaken = 511, 409, "手机号或邮箱已被使用。";
    /// The password is too weak.
    PasswordWeak = 512, 400, "密码强度不足。";
    /// The account name or the password is wrong.
    WrongPassword = 513, 403, "账号名或密码错误。";
    /// The account is bound to another customer.
    AccountOfAnother = 514, 409, "该账号已绑定到其他客户。";
    /// The platform has no address for the results of binding.
    CallbackMissing = 515, 409, "该平台没有登记通知结果绑定地址。";

    /// The provisioning request cannot be read.
    ProvisionUnreadable = 601, 400, "无法读取开通请求。";
    /// The metadata is larger than 2 MB.
    MetadataTooLarge = 602, 413, "元数据超过 2 MB。";
    /// The metadata is not UTF-8, or declares another encoding.
    MetadataNotUtf8 = 603, 422, "元数据不是 UTF-8，或声明了其他编码。";
    /// The metadata has a DOCTYPE.
    MetadataDoctype = 604, 422, "元数据含有 DOCTYPE。";
    /// The metadata is not well-formed, namespace-correct XML.
    MetadataMalformed = 605, 422, "元数据不是格式良好、命名空间正确的 XML。";
    /// The document is not one md:EntityDescriptor.
    NotAnEntityDescriptor = 606, 422, "文档不是单个 md:EntityDescriptor。";
    /// The entityID does not contain https:// or is too long.
    EntityIdWrong = 607, 422, "entityID 不含 https://，或过长。";
    /// There is not exactly one IDPSSODescriptor for SAML 2.0.
    IdpDescriptorMissing = 608, 422, "没有恰好一个支持 SAML 2.0 的 IDPSSODescriptor。";
    /// There is no signing certificate.
    SigningCertificateMissing = 609, 422, "没有签名证书。";
    /// A signing certificate cannot be read.
    CertificateUnreadable = 610, 422, "签名证书无法读取。";
    /// A signing certificate is not RSA of at least 2048 bits.
    CertificateWeak = 611, 422, "签名证书不是至少 2048 位的 RSA。";
    /// There is no SingleSignOnService for HTTP-Redirect.
    SsoLocationMissing = 612, 422, "没有 HTTP-Redirect 方式的 SingleSignOnService。";
    /// A Location is not an absolute http or https address.
    LocationWrong = 613, 422, "Location 不是绝对的 http 或 https 地址。";
    /// The wanted xAccountType is not 1 to 64 letters, digits or underscores.
    AccountTypeInvalid = 614, 422, "所需的 xAccountType 不是 1 至 64 个字母、数字或下划线。";
    /// The bpId is empty or longer than 64 characters.
    PartnerInvalid = 615, 422, "bpId 为空或超过 64 个字符。";
    /// The callback or return address is not an absolute http or https address.
    CallbackWrong = 616, 422, "回调地址或回跳地址不是绝对的 http 或 https 地址。";
    /// Too many platforms are provisioned.
    TooManyPlatforms = 617, 503, "已开通的平台过多。";
    /// The call comes from a page of another site.
    CrossSite = 618, 403, "该调用来自其他站点的页面。";
    /// The knobs cannot be read.
    KnobsUnreadable = 619, 400, "无法读取旋钮设置。";
    /// The fault script cannot be read or carried out.
    ScriptUnreadable = 620, 400, "故障脚本无法读取或执行。";
    /// The body of the call cannot be read.
    CallUnreadable = 621, 400, "无法读取调用的请求体。";
    /// The partner's credentials are incomplete or of another form.
    CredentialsInvalid = 622, 422, "伙伴凭证不完整或格式不符。";
    /// Another partner has this access key or this user.
    CredentialsTaken = 623, 409, "该访问密钥或用户属于其他伙伴。";
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FC-{}", self.number())
    }
}

/// A fault with what was expected and what came. Both are shown: this is a test instrument, and the
/// person who reads them is the one who sent the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {} Expected {expected}; got {came}.", fault.english())]
pub struct Finding {
    /// The stable fault.
    pub fault: Fault,
    /// What the contract asks for.
    pub expected: String,
    /// What the message says.
    pub came: String,
}

impl Finding {
    /// A finding of `fault`; `came` is cut to a readable length.
    pub fn new(fault: Fault, expected: impl Into<String>, came: impl Into<String>) -> Self {
        let mut came: String = came.into();
        if came.chars().count() > CAME_CHARS {
            came = came.chars().take(CAME_CHARS).chain(['…']).collect();
        }
        Self { fault, expected: expected.into(), came }
    }

    /// A finding of `fault` where a value is `came`, or absent.
    pub fn value(fault: Fault, expected: impl Into<String>, came: Option<&str>) -> Self {
        Self::new(fault, expected, came.map_or_else(|| "nothing".to_owned(), |v| format!("“{v}”")))
    }
}

/// Longest fact that is shown, characters: a page is not a dump.
const CAME_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_so_none_is_used_twice() {
        let numbers: Vec<u16> = Fault::ALL.iter().map(|fault| fault.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    #[test]
    fn every_fault_has_an_error_status_and_words_in_both_languages() {
        for fault in Fault::ALL {
            assert!(fault.status().is_client_error() || fault.status().is_server_error());
            assert!(fault.english().ends_with('.'), "{fault}");
            assert!(fault.chinese().ends_with('。'), "{fault}");
        }
    }

    #[test]
    fn a_long_fact_is_cut() {
        let finding = Finding::new(Fault::Malformed, "XML", "字".repeat(1000));
        assert_eq!(finding.came.chars().count(), CAME_CHARS + 1);
    }
}

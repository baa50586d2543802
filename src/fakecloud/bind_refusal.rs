//! Why the cloud does not bind an existing account to a partner's customer: the messages of the
//! contract, with codes of our own. Apart room `fakecloud`; contract §1.4, §1.9.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($(
        $(#[doc = $english:literal])+
        $name:ident = $number:literal, $zh:literal, $advice:ident;
    )+) => {
        /// A reason, shown as `FC-7nn`. In JSON: its name in snake case, such as `"in_arrears"`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum BindRefusal { $($(#[doc = $english])+ $name,)+ }

        impl BindRefusal {
            /// Every reason, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number behind `FC-`.
            pub fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// The message, in English.
            pub fn english(self) -> &'static str {
                match self { $(Self::$name => concat!($($english,)+).trim_ascii(),)+ }
            }

            /// The message, in Chinese.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$name => $zh,)+ }
            }

            /// Whose move it is.
            pub(crate) fn advice(self) -> Advice {
                match self { $(Self::$name => Advice::$advice,)+ }
            }
        }
    };
}

reasons! {
    /// The system is busy. Try later.
    SystemBusy = 701, "系统繁忙，请稍后重试。", AskService;
    /// The invitation link does not exist.
    InvitationMissing = 702, "邀请链接不存在。", InviteAgain;
    /// The invitation link has expired.
    InvitationExpired = 703, "邀请链接已失效。", InviteAgain;
    /// The invitation code has been used.
    InvitationCodeUsed = 704, "邀请码已被使用。", InviteAgain;
    /// The invitation link has been used.
    InvitationUsed = 705, "邀请链接已被使用。", InviteAgain;
    /// Prepaid partners cannot develop customers in the reseller model.
    PrepaidPartner = 706, "预付费伙伴不能以转售模式发展客户。", InviteAgain;
    /// The customer is registered by another partner.
    ReportedByPartner = 707, "客户已被其他伙伴报备。", OtherAccount;
    /// The customer is a partner or applies to become one.
    IsPartner = 708, "客户已是合作伙伴或正在申请成为合作伙伴。", OtherAccount;
    /// The customer is associated with another partner.
    AssociatedElsewhere = 709, "客户已关联其他伙伴。", OtherAccount;
    /// The customer has a special contract.
    SpecialContract = 710, "客户有特殊合同。", Settle;
    /// The customer uses an internal account of the cloud.
    InternalAccount = 711, "客户使用的是云厂商内部账号。", OtherAccount;
    /// The customer is reported by the cloud itself.
    ReportedByCloud = 712, "客户已被云厂商报备。", OtherAccount;
    /// The customer takes part in the reward programme.
    RewardProgramme = 713, "客户已加入奖励推广计划。", OtherAccount;
    /// The customer has a credit account.
    CreditAccount = 714, "客户有信用账户。", OtherAccount;
    /// The customer is an enterprise master account with members that keep their own books.
    EnterpriseMaster = 715, "客户作为企业主账号，已关联非财务托管子账号。", OtherAccount;
    /// The customer is an enterprise member account.
    EnterpriseMember = 716, "客户作为企业子账号。", OtherAccount;
    /// The account has a balance, and the amount not yet invoiced is above the limit.
    UninvoicedBalance = 717, "当前充值账户有余额且欠票金额大于限定值。", AskService;
    /// The customer registered too long ago.
    RegisteredTooLongAgo = 718, "客户注册时间超过限制。", AskService;
    /// The customer is in arrears.
    InArrears = 719, "客户已欠费。", Settle;
    /// The account belongs to an authorised sales-support centre already.
    SupportCentre = 720, "该账号已属于授权销售支持中心。", OtherAccount;
    /// The account has an unspent stored-value card.
    StoredValueCard = 721, "该账号有未使用完的储值卡。", Settle;
    /// The account has an unexpired reserved instance.
    ReservedInstance = 722, "该账号有未到期的预留实例。", Settle;
    /// The account has signed a contract with the cloud.
    SignedContract = 723, "该账号已与云厂商签订合同。", Settle;
    /// The account has an amount that is not invoiced yet.
    UninvoicedAmount = 724, "该账号存在欠票金额。", Settle;
}

impl fmt::Display for BindRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FC-{}", self.number())
    }
}

/// Whose move it is after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The cloud's customer service knows more.
    AskService,
    /// The partner has to send a new invitation.
    InviteAgain,
    /// This account will not do.
    OtherAccount,
    /// The customer has to settle or end something first.
    Settle,
}

impl Advice {
    /// In Chinese and in English.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::AskService => ("请联系客服或提交工单。", "Contact customer service."),
            Self::InviteAgain => ("请联系您的伙伴重新发起。", "Ask your partner to start anew."),
            Self::OtherAccount => {
                ("请使用其他账号，或创建新账号。", "Use another account, or create a new one.")
            }
            Self::Settle => (
                "请先结清或到期后再试。",
                "Settle it, or wait until it has ended, and then try again.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_so_none_is_used_twice_and_every_reason_has_words() {
        let numbers: Vec<u16> = BindRefusal::ALL.iter().map(|reason| reason.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        for reason in BindRefusal::ALL {
            assert!(reason.english().ends_with('.'), "{reason}");
            assert!(reason.chinese().ends_with('。'), "{reason}");
        }
    }

    #[test]
    fn a_reason_has_a_name_of_its_own_in_json() {
        let json = serde_json::to_string(&BindRefusal::InArrears).unwrap();
        assert_eq!(json, "\"in_arrears\"");
        assert_eq!(serde_json::from_str::<BindRefusal>(&json).unwrap(), BindRefusal::InArrears);
    }
}

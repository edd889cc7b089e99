"""What other members of a payment report say: nothing that matters, that money came, or that it may not have come.

Only what is known counts. A report with a member that nobody has looked at is no evidence that the invoice was paid: it
may say ``captured: false``, ``refundId: re_1`` or ``test: true`` in the words of any provider.
"""

import re
from typing import Any

_TOLD = frozenset(
    {
        "note",
        "notes",
        "comment",
        "memo",
        "message",
        "description",
        "text",
        "remittanceinformation",
        "purpose",
        "subject",
    }
    | {
        "payer",
        "payername",
        "payerid",
        "customer",
        "customerid",
        "customername",
        "debtor",
        "debtorname",
        "name",
        "email",
    }
    | {
        "iban",
        "bic",
        "account",
        "accountholder",
        "accountid",
        "bank",
        "bankname",
        "brand",
        "cardbrand",
        "last4",
        "country",
    }
    | {"language", "locale", "provider", "providername", "channel", "merchantid", "store", "terminal", "fee", "fees"}
    | {"id", "eventid", "messageid", "requestid", "correlationid", "traceid", "transactionid", "endtoendid", "orderid"}
    | {"mandateid", "batchid", "statementid", "invoicenumber", "documentnumber", "sequence", "version", "schemaversion"}
    | {"createdat", "updatedat", "receivedat", "occurredat", "timestamp", "time", "date", "bookingdate", "valuedate"}
)
"""Members, without signs and case, that say who, where, when or in which words, and nothing about the money."""
_WENT_BACK = frozenset(
    {"reversal", "reversalof", "reversalid", "isreversal", "reversed", "reversespayment", "reversespaymentid"}
    | {"reversedpaymentid", "refund", "refundid", "refundof", "isrefund", "refunded", "refundedpaymentid", "refundfor"}
    | {"chargeback", "chargebackid", "chargebackof", "ischargeback", "dispute", "disputeid", "disputed", "returnof"}
    | {"isreturn", "returned", "originalpaymentid", "originalpayment", "originaltransactionid", "parentpaymentid"}
    | {"cancels", "canceled", "cancelled", "voided"}
)
"""Members that say that the money went back, if they are neither empty nor false."""
_CAME = frozenset(
    {"success", "successful", "succeeded", "paid", "captured", "settled", "final", "live", "livemode", "booked"}
)
"""Members that say that the money came if they are true, and that it did not if they are false."""
_DID_NOT_COME = frozenset(
    {"test", "testmode", "istest", "sandbox", "pending", "ispending", "declined", "failed", "error"}
)
"""Members that say that no money came, if they are neither empty nor false."""
_OUTCOMES = frozenset({"status", "state", "paymentstatus", "outcome", "result", "transactionstatus"})
_ARRIVED = frozenset(
    {
        "paid",
        "succeeded",
        "success",
        "successful",
        "completed",
        "complete",
        "settled",
        "captured",
        "received",
        "cleared",
    }
    | {
        "confirmed",
        "booked",
        "posted",
        "ok",
        "done",
        "final",
        "finished",
        "executed",
        "accepted",
        "approved",
        "credited",
    }
)
"""What members of the outcome say if the money came."""
_KINDS = frozenset({"type", "kind", "eventtype", "event", "transactiontype", "paymenttype", "direction", "method"})
_INCOMING = frozenset(
    {
        "payment",
        "invoicepaid",
        "paymentreceived",
        "paymentsucceeded",
        "paymentcompleted",
        "paymentcaptured",
        "paymentpaid",
    }
    | {
        "chargesucceeded",
        "paymentintentsucceeded",
        "in",
        "incoming",
        "inbound",
        "cr",
        "crdt",
        "credittransfer",
        "transfer",
    }
    | {
        "banktransfer",
        "sepa",
        "sct",
        "sdd",
        "directdebit",
        "card",
        "wire",
        "ach",
        "cash",
        "cheque",
        "check",
        "instalment",
    }
    | {"installment", "deposit", "partial", "full", "onetime", "recurring"}
)
"""What members of the kind say if money came in."""
_BACK = re.compile(
    r"refund|revers|charge.?back|dispute|return|bounce|payout|withdraw|outgoing|outbound|debit.?note|credit.?note|fee\b|"
    r"storno|rückbuch|ruckbuch|rücklast|ruecklast|erstattung|gutschrift|rembours|reembolso|rimborso|void|cancel|fail|"
    r"rfnd|retoure|^(?:out|debit|dr|dbit)$"
)
_NOTHING = frozenset({"", "false", "no", "0"})


def doubted(name: str, value: Any) -> str:
    """What a member puts in doubt: ``reverses``, ``outcome``, or nothing (an empty text).

    Args:
        name: The member's name, without signs and case.
        value: Its value, as JSON has it. ``null`` and empty texts say nothing.
    """
    text = str(value).casefold().strip()
    if value is None or text == "" or name in _TOLD:
        return ""
    is_true = text not in _NOTHING
    if name in _WENT_BACK:
        return "reverses" if is_true else ""
    if name in _DID_NOT_COME:
        return "outcome" if is_true else ""
    if name in _CAME:
        return "" if is_true else "outcome"
    if name in _KINDS and _BACK.search(text):
        return "reverses"
    known = _INCOMING if name in _KINDS else _ARRIVED if name in _OUTCOMES else frozenset()
    return "" if folded(text) in known else "outcome"


def folded(name: str) -> str:
    """A name without signs and case: ``payment_id`` and ``PaymentId`` are one."""
    return "".join(character for character in name if character.isalnum()).casefold()

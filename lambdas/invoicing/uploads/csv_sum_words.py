"""Words for sums, taxes and payments in the descriptions of lines, in many languages (pure).

``MwSt 19 %`` is the name of a tax and no line. ``Steuerberatung`` (tax advice) is one: words are compared whole, and a
description that has any other word besides is judged by its amount, see `csv_sums`.
"""

import re
import unicodedata
from functools import lru_cache

from invoicing.domain.money import MINOR_DIGITS

_TOTALS = frozenset(
    {"total", "totals", "subtotal", "sub-total", "sub total", "grand total", "net total", "invoice total", "sum"}
    | {"summe", "zwischensumme", "gesamt", "gesamtsumme", "gesamtbetrag", "nettosumme", "rechnungsbetrag", "endbetrag"}
    | {"sous-total", "total général", "total ht", "total ttc", "totale", "subtotale", "suma", "importe total"}
)
"""What rows of totals are called where a number or a customer should be: there, other words may be one."""

_LETTERS = re.compile(r"[^\W\d_]+")
_ABBREVIATION = re.compile(r"(?<![^\W\d_])(?:[^\W\d_]{1,2}\.)+(?:[^\W\d_]{1,2}(?![^\W\d_]))?")
_HEBREW_MARKS = re.compile("(?<=[\u05d0-\u05ea])[\"'\u05f3\u05f4](?=[\u05d0-\u05ea])")


def _words(text: str) -> list[str]:
    """The words of a text in one form: without accents, case and the dots of abbreviations; ``V A T`` is one word."""
    text = _HEBREW_MARKS.sub("", text)
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(character for character in plain if unicodedata.category(character)[0] != "M")
    plain = _ABBREVIATION.sub(lambda match: f" {match[0].replace('.', '')} ", plain)
    found: list[str] = []
    is_letter = False
    for word in _LETTERS.findall(plain):
        if len(word) == 1 and is_letter:
            found[-1] += word
        else:
            found.append(word)
        is_letter = len(word) == 1
    return found


def _set(text: str) -> frozenset[str]:
    return frozenset(_words(text))


_SUBTOTALS = _set(
    """
    subtotal subtotals subtotale subtotaal zwischensumme zwischentotal summe summen sum sums suma sumar summa somme
    gesamtsumme gesamtbetrag rechnungsbetrag rechnungssumme endsumme endbetrag aratoplam tussentotaal mellansumma
    välisumma delsumma deltotal mezisoučet medzisúčet részösszeg međuzbroj подытог підсумок 小計 소계 小计
    """
)
"""Names of sums that no goods and no work have: an equal amount above is enough."""
_SUMS = _SUBTOTALS | _set(
    """
    total totals totale totali totaux totales totais totaal totalt totalbeløb totalbetrag gesamt insgesamt nettobetrag
    bruttobetrag nettosumme bruttosumme netto brutto net gross amount betrag montant importe importo bedrag belopp
    beløb kwota částka suma somme razem ogółem łącznie итого всего сумма разом усього сума ukupno iznos celkem celkom
    spolu součet súčet összesen végösszeg yhteensä loppusumma skupaj kokku kopā viso iš jumlah toplam genel tutar
    σύνολο μερικό المجموع الإجمالي إجمالي סהכ योग कुल 합계 총계 총액 合計 総計 总计 合计 總計 總額 总额 รวม
    tổng cộng
    """
)
"""Names of sums; alone they are no line, but goods may have one: ``Total care``."""
_TAXES = _set(
    """
    vat mwst ust mehrwertsteuer umsatzsteuer steuer steuern tva iva tax taxes taxe btw omzetbelasting hst gst pst qst
    rst tvq tps tvh igst cgst sgst utgst cess sst dph áfa áfá ндс пдв ддс kdv öiv pdv ddv moms meromsättningsskatt mva
    merverdiavgift alv arvonlisävero käibemaks pvm pvn vsk ptu fpa φπα icms igv itbis itbms igic ppn ipi iss irpf
    retención ritenuta impuesto impuestos imposta imposte imposto impostos podatek налог מעמ המעמ ضريبة الضريبة
    부가세 부가가치세 消費税 消费税 增值税 營業稅 税 稅 税金 ภาษี ภาษีมูลค่าเพิ่ม withholding wht tds
    """
)
"""Names of taxes, and of what is kept back for them."""
_WEAK = _set(
    """
    saldo balance due owed übertrag carried brought forward carry over restbetrag zahlbetrag payable payment payments
    pay paid bezahlt zahlung zahlungen zahlen acompte paye payer reporter transport pago pagado pagato betala invoice
    invoices bill rechnung facture factura fatura fattura faktura faktúra счет счёт 請求書 發票 发票 ttl tot cf bf
    """
)
"""Words for what is to be paid or was paid: many lines have one, so they prove nothing without the amount."""
_BESIDE = _set(
    """
    sub sous zwischen grand général generale general generali intermediate intermediario intermédiaire parcial partiel
    parziale final of the for all at on in to be and a an y e et und plus incl inkl including inclusive inclus incluido
    inclusa compris einschl einschließlich excl exkl excluding exclusive exclus ohne hors without before after vor nach
    avant après zzgl zuzüglich mit with le la les du de des del della dello di da do la el au auf von aus der die das
    den zu zum pro per percent prozent rate satz taux tipo aliquota sats stawka sazba wert value euro euros eur usd
    dollar dollars chf pln gbp price prices preis preise prix excluded included order items item lines line rows
    positions position net netto brutto gross ht ttc hors taxes imponible imponibile base basis order document number
    no nr num this reduced standard ermäßigt ermäßigter voller normal zero sales value added goods services consumption
    turnover state local county provincial harmonized harmonised federal output government i ii og och en és a az
    page seite positionen posten ara vergi vergisi katma değer oranı dahil hariç z w bez vč včetně без с в том числе
    iva valor añadido agregado ajoutée valeur aggiunto aggiunta importe sul sur sobre over
    """  # noqa: RUF001 - words of other alphabets
)
"""Words that change nothing of a name of a sum or tax beside it."""
_COMPOUND = re.compile(
    r"(?:zwischen|gesamt|end|rechnungs|netto|brutto|mehrwert|umsatz|steuer|mwst|ust|betrags?|summen?|totals?|wert|"
    r"anteil|satz)*(?:steuern?|mwst|ust|betrag|summen?|total|gesamt)(?:satz|wert|anteil)?"
)
_IDEOGRAPHS = re.compile(
    "[消費费內内外総總总小合税稅額额計计金込抜等价價增值営營业業付加]*[税稅計计][額额金等込抜别別]*"
)
_SUM_WORDS = re.compile(
    r"(?:sub|rechnungs|zwischen)?total\w*|\w*(?:summe|betrag|beløp|belopp)|gesamt\w*|\w*steuer|steuer(?:betrag|summe|satz|"
    r"anteil)|mwst\w*|\w*(?:合計|小計|総計|总计|合计|合计|小计|消費税|消费税|增值税)\w*|รวม\w*|somme\w*|sum[am]\w?"
)
"""Words of which one names a sum or a tax, whatever it is put together with."""
_SIGNS = re.compile(r"[∑Σσς]|=sum\(", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _kinds(text: str) -> tuple[bool, bool, bool, bool]:
    """Whether a text names a subtotal, a sum, a tax or a payment at all, and whether it has any other word."""
    found = _words(text)
    codes = {code.casefold() for code in re.findall(r"\b[A-Z]{3}\b", text) if code in MINOR_DIGITS}
    with_digits = {word for part in text.split() if any(map(str.isdigit, part)) for word in _words(part)}
    is_subtotal = is_sum = is_named = has_others = False
    for word in found:
        is_strong = word in _SUMS or word in _TAXES or _COMPOUND.fullmatch(word) or _IDEOGRAPHS.fullmatch(word)
        if is_strong:
            is_sum, is_subtotal = True, is_subtotal or word in _SUBTOTALS
        elif word in _WEAK or _SUM_WORDS.fullmatch(word):
            is_named = True
            has_others = has_others or word not in _WEAK
        elif word not in _BESIDE and word not in codes and word not in with_digits:
            has_others = True
    return is_subtotal, is_sum, is_named or is_sum or bool(_SIGNS.search(text)), has_others


def is_total(text: str) -> bool:
    """Whether a text is nothing but the name of a sum, as a row of totals has it where another text should be."""
    return text.casefold().strip(" :=*.-") in _TOTALS


def names_sum(text: str) -> bool:
    """Whether a description names a sum, a tax or a payment, maybe among others words, as ``Total care`` does."""
    return _kinds(text)[2]


def names_subtotal(text: str) -> bool:
    """Whether one of its words is a name of a sum that no goods have."""
    return _kinds(text)[0]


def only_names_sum(text: str) -> bool:
    """Whether it names a sum or a tax, and nothing else besides but numbers, a currency, and words that fit."""
    _, is_sum, _, has_others = _kinds(text)
    return is_sum and not has_others

"""Words that change no invoice: names of columns that need not be read, and texts beside the table (pure).

No list has all words that change an amount, a date or the kind of an invoice. So it is the harmless ones that are
listed: what is not known to be harmless rejects the file, unless the uploader says that it may be ignored.
"""

import re
import unicodedata


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_JOINING = words(
    """
    no nr num number nummer numero número numéro n id ids code codes codice código codigo key name names of the at on
    by for from your our my their internal interne interner internes interno interna intern external custom customer
    client sales cost costs kunde kunden ihr ihre unser unsere von für der die das de du la le les del des di und and
    et y e par por para da bon coste costo costes coût coûts text texte texto testo date category group purchase
    """
)
"""Words that say nothing alone, such as the one in ``purchase order``: ``date`` may be any date."""
_NOUNS = words(
    """
    note notes comment comments remark remarks memo memos annotation annotations observation observations reference
    references ref refs order orders po project projects job jobs centre center centres centers salesperson
    salespersons salesman salesrep rep reps representative seller sellers agent agents account accounts manager owner
    department departments branch team region territory campaign campaigns channel sku skus item items article
    articles product products material materials ean gtin upc isbn barcode phone phones telephone tel fax mobile
    contact contacts email mail website url created updated modified edited imported exported entered user users
    username author creator editor timestamp uuid guid warehouse tag tags colour color street city town zip postcode
    postal country county address language locale attachment filename line lines row rows pos position positions notiz
    notizen bemerkung bemerkungen kommentar kommentare anmerkung anmerkungen referenz referenzen zeichen bestellung
    auftrag projekt projekte kostenstelle kostenstellen kostenträger sachbearbeiter bearbeiter verkäufer vertreter
    vertrieb ansprechpartner abteilung filiale artikel telefon mobil handy straße strasse ort plz land erstellt
    geändert angelegt benutzer lager zeile warengruppe kundengruppe commentaire commentaires remarque remarques
    référence références commande commandes projet projets vendeur commercial produit produits téléphone tél courriel
    créé modifié adresse rue ville pays nota notas comentario comentarios observación observaciones referencia
    referencias pedido pedidos orden proyecto proyectos centro vendedor artículo articulo producto productos teléfono
    telefono correo creado actualizado modificado dirección ciudad país commento commenti osservazioni riferimento
    riferimenti ordine ordini progetto progetti commessa venditore articolo articoli prodotto prodotti creato
    aggiornato indirizzo città paese
    """
)
_COMPOUND = re.compile(
    r"(?:order|po|purchaseorder|customerorder|salesorder|customerref|project|job|item|article|product|sku|material|ref|"
    r"reference|phone|contact|line|row|pos|bestell|auftrags|projekt|artikel|material|telefon|zeilen|positions|kunden|ean)"
    r"(?:no|nr|num|number|nummer|id|code|ref|name|reference|referenz)|(?:created|updated|modified|edited)(?:at|by|on)|"
    r"(?:cost|profit)(?:centre|center)|purchaseorder|salesorder|customerref"
)
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])")


def is_harmless_name(label: str) -> bool:
    """Whether a column of this name changes nothing: a note, a reference, who sold it, who has entered it.

    It has no other words than those listed, and one of them at least says what the column is.
    """
    found = _WORD.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", label)).casefold())
    known = [word for word in found if word in _NOUNS or _COMPOUND.fullmatch(word)]
    return bool(known) and all(word in _JOINING for word in found if word not in known)


_TEXT_WORDS = (
    words(
        """
        invoice invoices invoicing billing export exports exported list listing report reports page pages created
        generated printed run as of on in at from to until till through between since and or the for by with our date
        dates data time am pm utc gmt cet cest period month months year years quarter week company firm firma name
        names customer customers client clients sales outgoing line lines row rows record records item items position
        positions total totals sum end eof file csv sheet version user see thank you thanks confidential rechnung
        rechnungen ausgangsrechnungen rechnungsliste rechnungsexport liste bericht seite seiten von vom bis zum zur am
        um stand exportiert erstellt gedruckt uhr datum zeitraum monat monate jahr quartal woche kunde kunden mandant
        zeile zeilen summe gesamt ende datei und der die das für mit facture factures liste rapport du au le la les
        des de en et date période mois année société client clients total fin fichier imprimé créé généré exporté
        ligne lignes factura facturas lista listado informe página del al el los las y fecha período periodo mes año
        empresa cliente clientes fin archivo generado exportado línea líneas fattura fatture elenco pagina dal alla il
        lo gli e data mese anno società azienda cliente clienti totale fine stampato esportato riga righe text string
        varchar char datetime timestamp number numeric decimal int integer float double money january february march
        april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov
        dec januar februar märz mai juni juli oktober dezember okt dez janvier février mars avril juin juillet août
        septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre
        noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre monday tuesday
        wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag
        quarterly monthly weekly daily annual yearly final extf datev buchungsstapel re
        """
    )
    | _NOUNS
)
_LEGAL_FORMS = words(
    """
    ltd limited llc llp lp inc incorporated corp corporation co company plc pty pte gmbh ag kg ohg gbr ug se ev mbh sa
    sas sarl sàrl srl spa snc sl slu bv nv ab oy as aps kft doo sp zoo
    """
)
_TOUCHING = re.compile(
    r"vat|tax|mwst|mehrwert|ust$|umsatz|steuer|brutt|gross|nett?o?$|nett[oi]|ttc|ht$|iva|tva|gst|moms|btw|incl|inkl|"
    r"einschl|compris|exkl|excl|zzgl|thous|tsd|taus|mill|mio|mrd|hund|cent|penc|penn|rapp|grosch|minor|unit|units|per$|je$|pro$|pour|"
    r"stück|stueck|einheit|dozen|dutzend|pack|void|cancel|storn|annul|anul|delet|gelösch|draft|entwurf|brouill|borrad|bozz|"
    r"test|muster|dumm|exampl|beispiel|demo|quot|angebot|offer|devis|estim|kosten|credit|gutschr|avoir|nota$|refund|"
    r"return|retour|rück|bill|liefer|suppl|purch|einkauf|eingang|achat|compra|acquist|order|bestell|discount|rabat|skonto|"
    r"remise|sconto|descu|due|payab|paid|pay|zahl|bezahl|fällig|offen|open|overdue|mahn|remind|reverse|exempt|frei|ohne|"
    r"price|preis|prix|prec|prezz|amount|betr[aä]g|montant|import|value|wert|rate|satz|quant|meng|anzahl|qty|currenc|währ|"
    r"devise|moned|valut|euro|dollar|status|type|typ|kind|art$|copy|kopie|dupl|dopp|old|alt$|alte|wrong|falsch|error|fehl|"
    r"prelim|vorläu|provis|proforma|pro-?forma|specim|preview|vorsch|obsol|supers|ersetz|replac|invalid|ungült|valid|gült|"
    r"only|nur$|nicht|not$|no$|non$|never|nie$|don|do$|kein|sans|sin$|without|except|außer|ausser|hold|gesperrt|lock|wait|"
    r"pend|check|prüf|review|approv|genehm|confirm|round|gerund|factor|faktor|multip|scale|base$|basis|reduc|surch|zuschl|fee|"
    r"gebühr|ship|versand|warn|acht|attent|hinweis|wichtig|urgent|temp|intern|all$|alle|both|each|jede"
)
"""How words begin, or which they are, that touch prices, taxes, amounts, units, terms, or the state of a document."""
_PARTICIPLE = re.compile(r"\w+(?:ed|iert)|ge\w+t")
_NAMES_IN_ED = words("united allied consolidated associated red ted fred alfred limited incorporated")
_IN_NAMES = re.compile(r"(?:Suppl|Ship|Unit|Valu|Cent|Mill|Pack|Paid|Pen|Rat|Type|Orders?)[a-z]*")
"""Words of companies among those, in front of a legal form."""
MAX_NAMES = 6


def are_harmless_words(found: list[str]) -> bool:
    """Whether a text beside the table has no other words than titles, periods and names.

    Nobody can tell a name from a warning. Words that are not known count as one if they begin with a capital and are
    none of those that touch an amount; in a text with a legal form (``Ltd``), or if there are two of them at the least.
    """
    unknown = [word for word in found if word.casefold() not in _TEXT_WORDS and word.casefold() not in _LEGAL_FORMS]
    if not unknown:
        return True
    is_company = any(word.casefold() in _LEGAL_FORMS for word in found)
    if found[-1].casefold() in _LEGAL_FORMS:
        unknown = [word for word in unknown if not _IN_NAMES.fullmatch(word)]
    if len(unknown) > MAX_NAMES or not all(map(_is_name, unknown)):
        return False
    if is_company:
        return True
    return len(unknown) > 1 and not any(map(str.isupper, unknown))


def _is_name(word: str) -> bool:
    plain = word.casefold()
    is_participle = _PARTICIPLE.fullmatch(plain) and plain not in _NAMES_IN_ED
    return word[:1].isupper() and not is_participle and not _TOUCHING.match(plain)

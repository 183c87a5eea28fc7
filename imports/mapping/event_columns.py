"""Columns about what contacts did: how files call them, and whether a file seems to hold orders or events. Pure.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Ukrainian, Russian, Latvian, and the headers of order
exports of Shopify, WooCommerce, Magento, PrestaShop and Stripe. Names are compared in the form of `mapping.normal_name`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache

from imports.cleaning.row_settings import TASKS

# target → names, those that say it for sure first; the others count only in a file of that kind.
_NAMES: dict[str, tuple[str, str]] = {
    "event.name": (
        """event name|event type|name of the event|event|activity type|action name|ereignis|ereignisname|ereignistyp
        |nom de l evenement|evenement|type d evenement|nombre del evento|evento|tipo de evento|nome evento|nome do evento
        |tipo evento|gebeurtenis|naam gebeurtenis|nazwa zdarzenia|zdarzenie|typ zdarzenia|подія|назва події|тип події
        |событие|название события|тип события|notikums|notikuma nosaukums""",
        "activity|action|aktion|aktivitat|activite|actividad|accion|azione|atividade|acao|activiteit|czynnosc|дія|действие",
    ),
    "event.time": (
        """order date|order time|ordered at|date of order|purchase date|purchased on|purchased at|paid at|date paid
        |order created|order created at|order date and time|event time|event date|event timestamp|time of the event
        |occurred at|happened at|bestelldatum|bestellzeit|kaufdatum|auftragsdatum|ereigniszeit|ereignisdatum
        |zeitpunkt des ereignisses|date de commande|date d achat|date de l evenement|fecha del pedido|fecha de pedido
        |fecha de compra|fecha del evento|data ordine|data dell ordine|data acquisto|data evento|data do pedido
        |data da encomenda|data da compra|data do evento|besteldatum|aankoopdatum|datum gebeurtenis|data zamowienia
        |data zakupu|data zdarzenia|дата замовлення|дата покупки|дата події|дата заказа|дата покупки|дата события
        |pasutijuma datums|pirkuma datums|notikuma laiks|notikuma datums""",
        """created at|date created|created|created on|date|time|timestamp|datetime|date time|when|datum|zeit|zeitpunkt
        |zeitstempel|erstellt am|heure|date et heure|horodatage|fecha|hora|fecha y hora|ora|data e ora|data|tijd|tijdstip
        |czas|дата|час|дата і час|время|дата и время|datums|laiks|completed at|processed at""",
    ),
    "event.id": (
        """order id|order number|order no|order nr|order|order name|order reference|order ref|order code|increment id
        |purchase id|transaction id|invoice id|invoice number|receipt number|bestellnummer|bestell nr|bestellnr
        |bestell id|auftragsnummer|auftrags nr|auftragsnr|rechnungsnummer|numero de commande|n de commande|no commande
        |id commande|commande|reference commande|numero de pedido|n de pedido|id de pedido|id pedido|pedido
        |numero pedido|numero ordine|numero d ordine|id ordine|n ordine|ordine|numero do pedido|numero da encomenda
        |encomenda|bestelnummer|ordernummer|bestelling|numer zamowienia|nr zamowienia|id zamowienia|zamowienie
        |номер замовлення|id замовлення|замовлення|номер заказа|id заказа|заказ|pasutijuma numurs|pasutijuma nr
        |pasutijuma id|pasutijums|event id|id of the event|ereignis id|event uuid""",
        "id|reference|number|nummer|numero|номер|transaction",
    ),
    "event.amount": (
        """order total|order total amount|order amount|order value|grand total|grand total base|grand total purchased
        |total price|total amount|total paid|amount paid|purchase amount|purchase value|n revenue|net revenue
        |bestellsumme|bestellwert|gesamtbetrag|gesamtsumme|rechnungsbetrag|auftragssumme|auftragswert|montant total
        |montant de la commande|total de la commande|total ttc|importe total|importe del pedido|total del pedido
        |importo totale|totale ordine|importo ordine|valor total|total do pedido|valor do pedido|totaalbedrag
        |orderbedrag|bestelbedrag|kwota zamowienia|wartosc zamowienia|suma zamowienia|сума замовлення|вартість замовлення
        |сумма заказа|стоимость заказа|pasutijuma summa""",
        """total|amount|sum|revenue|value|price|paid|summe|betrag|gesamt|preis|umsatz|montant|prix|importe
        |precio|importo|totale|prezzo|valor|preco|bedrag|totaal|prijs|kwota|suma|cena|сума|всього|ціна|сумма|итого|цена
        |summa|kopa""",
    ),
    "event.currency": (
        """order currency|order currency code|currency|currency code|wahrung|devise|moneda|valuta|moeda|waluta|валюта
        |valuta""",
        "cur|curr|iso currency",
    ),
    "event.items": (
        """lineitem name|line items|line item|order items|ordered items|items ordered|item name|item names|product name
        |product names|products|product s|items|skus|ordered products|artikel|produkte|positionen|bestellpositionen
        |artikelname|produktname|articles|produits|nom du produit|articulos|productos|nombre del producto|articoli
        |prodotti|nome prodotto|artigos|produtos|nome do produto|artikelen|producten|productnaam|produkty
        |nazwa produktu|pozycje|товари|назва товару|товары|название товара|preces|produkti""",
        "product|item|sku|artikel|produkt|produit|articulo|producto|prodotto|produto|товар|prece",
    ),
    "event.channel": ("channel|message channel|kanal|canal|canale|kanaal|канал|kanals", "medium"),
    "event.message": (
        """message name|campaign|campaign name|campaign title|newsletter name|mailing|message|kampagne|kampagnenname
        |campagne|nom de la campagne|campana|campagna|campanha|kampania|кампанія|кампания|kampana""",
        "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|тема",
    ),
    "event.language": ("message language|sprache der nachricht", "message locale"),
    "event.status": (
        "message status|delivery status|zustellstatus|statut de livraison|estado del mensaje|stato messaggio",
        "status|event|statut|estado|stato|стан|статус|statuss",
    ),
}
# The column of an order's number in a file whose other columns leave no doubt: Shopify calls it "Name".
_SHOPIFY, _SHOPIFY_ID = "lineitem name", "name"
_BARE = frozenset(
    {"order", "commande", "pedido", "ordine", "encomenda", "bestelling", "zamowienie", "замовлення", "заказ"}
)
# A name of a person or a customer in front of these makes another thing of them.
SURE, LIKELY = 1, 5


@cache
def _words(target: str, group: int) -> frozenset[str]:
    return frozenset(" ".join(word.split()) for word in _NAMES[target][group].split("|"))


def by_name(
    names: Sequence[str], samples: Sequence[Sequence[str]], *, task: str
) -> Iterator[tuple[int, bool, int, str]]:
    """(rank, whether the column is empty, column, target) of the columns that the task knows."""
    targets = [target for target in TASKS[task].targets if target in _NAMES]
    for i, name in enumerate(names):
        if task == "orders" and name == _SHOPIFY_ID and _SHOPIFY in names:
            yield 0, not samples[i], i, "event.id"
        for target in targets:
            for group, rank in enumerate((SURE, LIKELY)):
                if name in _words(target, group):
                    yield rank, not samples[i], i, target


def looks_like(names: Collection[str]) -> str:
    """What a file with columns of these names seems to hold: `orders`, `events`, or contacts alone."""

    def has(target: str, *groups: int) -> bool:
        return any(not _words(target, group).isdisjoint(names) for group in groups)

    if not has("event.name", 0) and (has("event.id", 0) or _SHOPIFY in names):
        said = sum((has("event.amount", 0, 1), has("event.time", 0, 1), has("event.items", 0), _SHOPIFY in names))
        # A bare "Order" may as well be a place in a list.
        sure = not (_words("event.id", 0) - _BARE).isdisjoint(names) or _SHOPIFY in names
        return "orders" if said > (0 if sure else 1) else "contacts"
    if has("event.name", 0) and has("event.time", 0, 1):
        return "events"
    if has("event.name", 1) and has("event.time", 0):
        return "events"
    return "contacts"

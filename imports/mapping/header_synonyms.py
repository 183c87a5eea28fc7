"""What files call the columns that we know: target → names, the surest first. Data only.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Ukrainian, Russian, Latvian, and the headers of
Mailchimp, HubSpot, Klaviyo, Shopify, Salesforce, Google Contacts and Outlook. Names are compared in the form that
`mapping.normal_name` gives them: without capitals, accents and punctuation. A group before another wins over it.
"""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "email": (
        """email|e-mail|mail|email address|e-mail address|mail address|emailaddress|courriel|adresse email
        |adresse e-mail|adresse mail|adresse courriel|adresse électronique|mél|e-mail-adresse|mailadresse
        |e-mailadresse|emailadresse|correo|correo electrónico|dirección de correo|dirección de correo electrónico
        |dirección de email|posta elettronica|indirizzo email|indirizzo e-mail|indirizzo di posta elettronica
        |correio eletrónico|correio eletrônico|endereço de email|endereço de e-mail|endereço email|e-mailadres
        |emailadres|mailadres|adres email|adres e-mail|poczta|poczta elektroniczna|електронна пошта
        |електронна адреса|ел. пошта|е-пошта|пошта|імейл|емейл|емайл|е-мейл|электронная почта|эл. почта|почта
        |адрес электронной почты|имейл|емейл|емайл|е-мейл|е-майл|мейл|e-pasts|epasts|e-pasta adrese|e-mail 1 - value
        |email 1 value|e-mail 1""",
        """primary email|main email|work email|business email|email (work)|personal email|home email|email (private)
        |contact email|customer email|billing email|email (billing)|billing email address|order email|buyer email
        |user email|subscriber email|kunden-e-mail|e-mail geschäftlich|e-mail privat
        |e-mail (geschäftlich)|e-mail (privat)|email professionnel|email personnel|email client|email cliente
        |email aziendale|email personale|correo cliente|zakelijk e-mailadres|e-mail klienta|e-mail służbowy
        |e-mail клієнта|e-mail клиента|email id|email1|e-mail-adresse 1""",
    ),
    "phone": (
        """phone|phone number|telephone|telephone number|phone no|tel|tel no|tel number|telefon|telefonnummer
        |telefon nr|tel nr|rufnummer|téléphone|numéro de téléphone|numéro téléphone|no de téléphone|n° de téléphone
        |teléfono|número de teléfono|telefono|numero di telefono|numero telefono|telefone|número de telefone
        |telefoon|telefoonnummer|numer telefonu|nr telefonu|nr tel|телефон|номер телефону|номер телефона|тел
        |tālrunis|tālruņa numurs|tālr|tel. nr.|telefons|telefona numurs|phone 1 - value|phone 1 value""",
        """mobile|mobile phone|mobile number|mobile phone number|mobile no|cell|cell phone|cellphone|cell number
        |cellular|handy|handynummer|mobil|mobiltelefon|mobilnummer|mobilfunknummer|mobilfunk|portable
        |téléphone portable|téléphone mobile|tél. portable|numéro de portable|móvil|teléfono móvil|celular
        |teléfono celular|número de móvil|cellulare|telefono cellulare|numero di cellulare|telemóvel
        |número de telemóvel|número de celular|mobiel|mobiele telefoon|mobiel nummer|gsm|gsm-nummer|komórka
        |telefon komórkowy|numer komórkowy|мобільний|мобільний телефон|номер мобільного|моб. телефон|моб. тел
        |мобильный|мобильный телефон|номер мобильного|сотовый|сотовый телефон|mobilais|mobilais tālrunis
        |mobilā tālruņa numurs|sms|sms number|whatsapp""",
        """primary phone|main phone|work phone|business phone|home phone|phone (work)|phone (home)|contact phone
        |customer phone|billing phone|phone (billing)|billing phone number
        |office phone|company main phone|company phone|default address phone|day phone|other phone
        |telefon geschäftlich|telefon privat|telefon (geschäftlich)|telefon (privat)|téléphone fixe
        |téléphone professionnel|téléphone domicile|teléfono fijo|teléfono particular|telefono casa|telefono ufficio
        |telefone fixo|telefoon thuis|telefoon werk|telefon służbowy|telefon domowy|робочий телефон|домашній телефон
        |рабочий телефон|домашний телефон""",
    ),
    "external_id": (
        """external id|external identifier|external user id|external customer id|externe id|externe kennung
        |id externe|identifiant externe|id externo|identificador externo|id esterno|zewnętrzne id|id zewnętrzne
        |зовнішній id|зовнішній ідентифікатор|внешний id|внешний идентификатор|ārējais id""",
        """customer id|customer number|customer no|customer nr|customer code|customer key|client id|client number
        |client code|user id|userid|crm id|crm number|member id|member number|membership number|loyalty number
        |loyalty id|kunden-id|kundennummer|kunden-nr|kundennr|kd-nr|benutzer-id|nutzer-id|mitgliedsnummer
        |debitorennummer|identifiant client|id client|numéro client|numéro de client|n° client|code client
        |référence client|id utilisateur|id cliente|id de cliente|id del cliente|número de cliente|código de cliente
        |código cliente|id usuario|id de usuario|numero cliente|codice cliente|id utente|número do cliente
        |código do cliente|id do cliente|id do utilizador|id do usuário|klant-id|klantnummer|klantnr|gebruikers-id
        |lidnummer|id klienta|numer klienta|nr klienta|id użytkownika|identyfikator klienta|id клієнта|номер клієнта
        |код клієнта|ідентифікатор клієнта|id користувача|id клиента|номер клиента|код клиента|идентификатор клиента
        |id пользователя|klienta id|klienta numurs|klienta kods|lietotāja id""",
        """contact id|record id|record id - contact|subscriber id|person id|profile id|lead id|shopper id|kontakt-id
        |contact-id|id контакту|id контакта|hubspot id|salesforce id""",
        "klaviyo id|id|identifier|uid|uuid|guid|kennung|identifiant|identificador|identificatore|identyfikator",
    ),
    "first_name": (
        """first name|firstname|given name|givenname|forename|christian name|fname|vorname|rufname|prénom
        |primer nombre|nombre de pila|nombre propio|primeiro nome|nome próprio|nome de batismo|nome di battesimo
        |voornaam|roepnaam|imię|imiona|prenom|priekšvārds|vārds|перше ім'я""",
        """customer first name|contact first name|first name (billing)
        |customer firstname|billing first name|shipping first name|vorname kunde|pierwsze imię""",
    ),
    "last_name": (
        """last name|lastname|surname|family name|familyname|lname|nachname|familienname|zuname|nom de famille
        |nom famille|apellido|apellidos|primer apellido|cognome|apelido|sobrenome|último nome|nome de família
        |achternaam|familienaam|nazwisko|прізвище|фамилия|uzvārds""",
        """customer last name|contact last name|last name (billing)
        |customer lastname|billing last name|shipping last name|second name|nachname kunde""",
    ),
    "full_name": (
        """full name|fullname|complete name|display name|contact name|customer name|client name|vollständiger name
        |vor- und nachname|vorname nachname|kundenname|anzeigename|nom complet|nom et prénom|prénom nom|nom prénom
        |nom du client|nombre completo|nombre y apellidos|nombre y apellido|nombre del cliente|nome completo
        |nome e cognome|nome cognome|cognome e nome|nome do cliente|nome del cliente|volledige naam|naam klant
        |klantnaam|imię i nazwisko|nazwisko i imię|imię nazwisko|повне ім'я|піб|п.і.б.|прізвище та ім'я
        |ім'я та прізвище|ім'я клієнта|полное имя|фио|ф.и.о.|имя и фамилия|фамилия и имя|имя клиента|vārds uzvārds
        |vārds, uzvārds|vārds un uzvārds|pilns vārds|uzvārds vārds|uzvārds un vārds|nachname vorname|nachname, vorname
        |name, vorname|nachname und vorname|last name first name|last, first|last name, first name|surname, first name
        |surname first name|surname and name|surname, name|family name given name|apellidos y nombre|apellidos y nombres
        |apellidos, nombre|apellidos nombre|apellido y nombre|apellido, nombre|cognome nome|cognome, nome|nom, prénom
        |nazwisko imię|nazwisko, imię|achternaam voornaam|achternaam, voornaam|apelido e nome|sobrenome e nome
        |фамилия имя|фамилия, имя|фамилия имя отчество|прізвище ім'я|прізвище, ім'я|прізвище ім'я по батькові|姓名|氏名
        |お名前|名前|全名|성명|이름|성함|név|teljes név""",
        "name|nom|nombre|nome|naam|nazwa|ім'я|ім’я|імʼя|имя|nosaukums",
    ),
    "city": (
        """city|town|place|ort|stadt|wohnort|ville|commune|localité|ciudad|localidad|población|municipio|città
        |comune|località|cidade|localidade|município|stad|plaats|woonplaats|gemeente|miasto|miejscowość|місто
        |населений пункт|город|населенный пункт|населённый пункт|pilsēta|apdzīvota vieta""",
        """city/town|town/city|address city|default address city|mailing city|billing city|shipping city|home city
        |business city|work city|address 1 - city|adresse ort|ort geschäftlich|ort privat|rechnungsort|lieferort""",
        "other city|ip city",
    ),
    "region": (
        """region|state|province|state/region|state/province|county|bundesland|kanton|région|département|provincia
        |comunidad autónoma|estado|regione|distrito|região|provincie|województwo|область|регіон|регион|край|reģions
        |novads""",
        """province code|state code|address state|default address province|mailing state|mailing state/province
        |billing state|billing state/province|shipping state|billing province|shipping province|home state
        |business state|work state|address 1 - region|region code""",
        "default address province code|mailing state code|billing state code|other state|ip state|ip region",
    ),
    "postal_code": (
        """postal code|postalcode|postcode|post code|zip|zip code|zipcode|zip/postal code|postal/zip code|plz
        |postleitzahl|code postal|cp|código postal|c.p.|codice postale|cap|codice di avviamento postale
        |código-postal|cep|kod pocztowy|поштовий індекс|індекс|почтовый индекс|индекс|pasta indekss""",
        """address zip|default address zip|mailing zip|mailing zip/postal code|mailing postal code|billing zip
        |billing zip/postal code|billing postal code|shipping zip|shipping postal code|home postal code
        |business postal code|work postal code|address 1 - postal code|plz geschäftlich|plz privat|plz ort""",
        "other postal code|other zip",
    ),
    "street": (
        """street|street address|address|address line 1|address1|address 1|street 1|street name|straße|strasse|str
        |anschrift|adresse|straße und hausnummer|straße hausnummer|straße, hausnummer|rue|adresse postale|adresse 1
        |adresse ligne 1|calle|dirección|domicilio|dirección 1|via|indirizzo|indirizzo 1|rua|endereço|morada
        |logradouro|straat|adres|straatnaam|ulica|ulica i numer|вулиця|адреса|улица|адрес|iela|adrese""",
        """default address address1|mailing street|mailing address line 1|billing street|billing address1
        |billing address 1|shipping street|shipping address1|home street|home address|business street
        |business address|work street|address 1 - street|straße geschäftlich|straße privat|postal address
        |mailing address""",
        "address 1 - formatted|other street",
    ),
    "country": (
        """country|country/region|country name|land|staat|pays|país|paese|nazione|stato|kraj|państwo|країна|страна
        |valsts""",
        """country code|country/territory|iso country|country iso|country iso code|country iso2|ländercode
        |länderkürzel|länderkennzeichen|code pays|código de país|código país|codice paese|landcode|kod kraju
        |код країни|код страны|address country|default address country|default address country code|mailing country
        |billing country|shipping country|home country|home country/region|business country|business country/region
        |work country|address 1 - country|billing country code|shipping country code|mailing country code|cc""",
        "other country|other country/region|ip country|ip country code",
    ),
    "language": (
        """language|preferred language|sprache|bevorzugte sprache|langue|langue préférée|idioma|idioma preferido
        |lengua|lingua|lingua preferita|língua|taal|voorkeurstaal|język|мова|мова спілкування|язык|язык общения
        |valoda""",
        "language code|locale|lang|sprachcode|korrespondenzsprache|hs language|customer locale",
    ),
    "time_zone": (
        """time zone|timezone|tz|zeitzone|fuseau horaire|zona horaria|huso horario|fuso orario|fuso horário|tijdzone
        |strefa czasowa|часовий пояс|часовой пояс|laika josla|laika zona""",
    ),
    "birthday": (
        """birthday|birth date|birthdate|date of birth|dob|born|born on|geburtstag|geburtsdatum|geb. datum
        |geb.-datum|geboren am|date de naissance|né(e) le|anniversaire|fecha de nacimiento|cumpleaños
        |fecha nacimiento|data di nascita|compleanno|data nascita|data de nascimento|aniversário|data nascimento
        |nascimento|geboortedatum|verjaardag|data urodzenia|urodziny|дата народження|день народження|дата рождения
        |день рождения|dzimšanas diena|dzimšanas datums""",
        "customer birthday|contact birthday",
    ),
    "gender": ("""gender|sex|geschlecht|sexe|genre|sexo|género|sesso|genere|gênero|geslacht|płeć|стать|пол|dzimums""",),
    "company": (
        """company|company name|organization|organisation|organization name|organisation name|employer|firma
        |unternehmen|firmenname|arbeitgeber|entreprise|société|nom de l'entreprise|raison sociale|employeur|empresa
        |compañía|nombre de la empresa|razón social|azienda|società|nome azienda|ragione sociale|nome da empresa
        |razão social|bedrijf|bedrijfsnaam|organisatie|werkgever|nazwa firmy|przedsiębiorstwo|pracodawca|компанія
        |назва компанії|організація|фірма|компания|название компании|организация|фирма|работодатель|uzņēmums
        |uzņēmuma nosaukums|organizācija""",
        """account name|associated company|default address company|billing company|shipping company|customer company
        |account|organization 1 - name|business name|primary company|associated company (primary)""",
    ),
    "job_title": (
        """job title|jobtitle|job|position|job position|role|job role|occupation|profession|berufsbezeichnung|beruf
        |stellenbezeichnung|funktion|poste|fonction|intitulé du poste|métier|cargo|puesto|puesto de trabajo
        |profesión|posizione|qualifica|ruolo|professione|mansione|profissão|função|functie|functietitel|beroep
        |stanowisko|stanowisko pracy|zawód|посада|професія|должность|профессия|amats|amata nosaukums|profesija""",
        "organization 1 - title|organization title|title",
    ),
    "website": (
        """website|web site|website url|web|web page|webpage|homepage|url|site|site web|internetseite|webseite
        |internetadresse|sitio web|página web|sito|sito web|sítio web|site internet|strona www|strona internetowa
        |www|вебсайт|веб-сайт|сайт|mājaslapa|mājas lapa|tīmekļa vietne|website 1 - value|web address""",
        "company website|personal website|personal web page|business homepage|company url|company domain|domain",
    ),
    "push_tokens": (
        """push tokens|push token|mobile token|device token|app token|fcm token|apns token|web push token
        |push-token|gerätetoken|jeton push|token push|пуш-токен|токен""",
    ),
    "subscriptions": (
        """subscriptions|subscription categories|subscribed to|newsletter categories|abos|abonnements
        |catégories d'abonnement|suscripciones|iscrizioni|inscrições|abonnementen|subskrypcje|підписки|подписки""",
    ),
    # Most names are known as those of consent (imports.cleaning.consent_columns), by their cells too.
    "ads_consent": ("ads consent",),
}
# Columns that our own download of rows in error adds. A corrected file has them, and they mean nothing there.
OWN_COLUMNS: tuple[str, ...] = ("Line in file", "Code", "Reason")
# What the download of updated rows adds besides.
CHANGED_COLUMN = "Changed fields"
# What the export of contacts has beside their values, and an import of it passes over.
EXPORT_COLUMNS: tuple[str, ...] = ("Contact ID", "Created by", "Created at", "Changed at")

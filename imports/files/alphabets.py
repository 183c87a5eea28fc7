"""Letters beyond ASCII by language, and the encodings that its files are written in. Data only.

The most frequent letters come first, capitals and signs behind. Countries are those whose files are mostly in the language.
"""

from typing import NamedTuple


class Language(NamedTuple):
    """A language: its encodings (the usual one first), its letters, and two-letter codes of countries."""

    encodings: tuple[str, ...]
    letters: str
    countries: str


_WEST = ("cp1252", "iso8859-1", "iso8859-15", "mac-roman", "cp850", "cp437")
_CENTRAL = ("cp1250", "iso8859-2", "cp852")
_BALTIC = ("cp1257", "iso8859-13")
_CYRILLIC = ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic")

LANGUAGES: dict[str, Language] = {
    "german": Language((*_WEST, *_CENTRAL), "üöäßÜÖÄé", "DE AT CH LI LU"),
    "french": Language(_WEST, "éèçëïêôîâûàùÉœÈÇÂÎÔŒÿæ", "FR BE CH CA LU MC SN CI"),
    "spanish": Language(_WEST, "íáéóñúüÁÉÍÓÚÑçºª¿¡", "ES MX AR CO CL PE VE EC UY BO PY CR PA DO GT CU US"),
    "portuguese": Language(_WEST, "ãçéáíóêõúâôàÁÉÂÓÍÇÚºª", "PT BR AO MZ"),
    "italian": Language(_WEST, "òèìàùéÈÀ", "IT CH SM"),
    "nordic": Language(_WEST, "øåæöäéÅØÆÖÄóíáüëÓÁ", "SE NO DK FI AX FO"),
    "icelandic": Language(_WEST, "óíáöðúþéýæÞÓÁÍÖÚÉÐÆÝ", "IS"),
    "dutch": Language(_WEST, "ëéïöüèêËÉ", "NL BE SR"),
    "english": Language(_WEST, "éëíóáñçèêüÉ£", "GB US IE AU NZ CA ZA"),
    "polish": Language(_CENTRAL, "łóąęśżńćźŁŚŻĆÓŹ", "PL"),
    "czech": Language(_CENTRAL, "áíěéřýčžšůúťňďóŠČŘŽÚÁĎŤ", "CZ"),
    "slovak": Language(_CENTRAL, "áéíčúžšýľňťôóäďŠČŽĽŤÁÚŇŕĺ", "SK"),
    "hungarian": Language(_CENTRAL, "áéóöíőüúűÁÉÖÓŐÜÍÚŰ", "HU"),
    "romanian": Language(_CENTRAL, "ăâîşţŞŢÎĂÂ", "RO MD"),
    "south slavic": Language(_CENTRAL, "ćčšžđŠČŽĆĐ", "HR SI BA RS ME MK"),
    "russian": Language(_CYRILLIC, "аоеинрвлстмкдпяьгуызбйчюхшжщцёфэъАМСИВКЕНПДОБГЛТРЮФЗЯШЭХЧЖЦУЩЁ№", "RU BY KZ KG"),
    "ukrainian": Language(("cp1251", "koi8-u", "iso8859-5", "mac-cyrillic"),
                          "оанеірвклистмдпяьуїгзчбхйцжшщюєґфОАМВІКСНПДТГЮЛБРХШЗЯЄЇЧЖЦФҐ’", "UA"),
    "bulgarian": Language(("cp1251",), "аоиевнртслдкмпягуцзбйъчхшжщюфьАИВДПКГМБТНЗРСЕХЖЦЯЮЙЛ", "BG"),
    "greek": Language(("cp1253", "iso8859-7"), "οαςιρνητσλέκάυίμεγόπδήθώύχφξβζψΓΜΝΕΑΚΠΔΙΧΣΛΘΒΦΡΖΤΟΉΆΈ", "GR CY"),
    "turkish": Language(("cp1254", "iso8859-9"), "ıüşğöçİŞÖÇÜâîĞû", "TR CY"),
    "latvian": Language(_BALTIC, "āīņšēļūžčķģĀŠĪŽĶĒČĢĻŅ", "LV"),
    "lithuanian": Language(_BALTIC, "ėšūžįąčųęŠŽČĖŪĮ", "LT"),
    "estonian": Language((*_BALTIC, "cp1252"), "äõüöšžÕÄÜÖŠŽ", "EE"),
    "hebrew": Language(("cp1255",), "יוהלאתרבשמנדעחקפםגסטןזצכךףץ", "IL"),
    "arabic": Language(("cp1256",), "المنيورتبدسعهفحكقجشطصخذضزثظغةأىإء", "SA AE EG MA DZ TN IQ JO LB KW QA OM BH YE LY SY"),
    "vietnamese": Language(("cp1258",), "ễđươăâêôịàáạảãĐƯƠÂÊÔ\u0300\u0301\u0303\u0309\u0323", "VN"),
    "japanese": Language(("shift_jis",), "", "JP"),
    "chinese": Language(("gb18030",), "", "CN SG"),
    "taiwanese": Language(("big5",), "", "TW HK MO"),
    "korean": Language(("euc_kr",), "", "KR"),
}  # fmt: skip

# How much more usual an encoding is than the least usual one, as logarithms: what people's programs write today.
USUAL: dict[str, float] = {
    "cp1252": 4.0, "cp1250": 3.0, "cp1251": 3.2, "cp1253": 2.8, "cp1254": 2.8, "cp1255": 2.5, "cp1256": 2.5, "cp1257": 2.5,
    "cp1258": 1.0, "iso8859-1": 3.5, "iso8859-2": 2.2, "iso8859-5": 0.5, "iso8859-7": 2.2, "iso8859-9": 2.2,
    "iso8859-13": 1.5, "iso8859-15": 3.0, "koi8-r": 1.5, "koi8-u": 1.3, "cp437": 0.5, "cp850": 1.8, "cp852": 1.2,
    "cp866": 1.3, "mac-roman": 1.8, "mac-cyrillic": 0.3, "shift_jis": 3.0, "gb18030": 3.0, "big5": 2.6, "euc_kr": 2.8,
}  # fmt: skip

# Signs in names and words, over the many of the scripts of East Asia.
HAN: dict[str, str] = {
    "chinese": "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石"
    "姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文伟芳娜秀英敏静丽强磊军洋勇艳杰"
    "娟涛明超兰霞平刚桂华建国红玉梅春"
    "志海燕雪鹏飞晓小大中北京上海广州深圳南天津重庆成都杭市省区路号街客户姓名电话地址",
    "taiwanese": "王李張劉陳楊趙黃周吳徐孫胡朱高林何郭馬羅梁宋鄭謝韓唐馮于董蕭程曹袁鄧許傅沈曾彭呂蘇盧蔣蔡賈丁魏薛葉閻余潘"
    "杜戴夏鍾汪田任姜范方石"
    "姚譚廖鄒熊金陸郝孔白崔康毛邱秦江史顧侯邵孟龍萬段雷錢湯尹黎易常武喬賀賴龔文偉芳娜秀英敏靜麗強磊軍洋勇豔傑"
    "娟濤明超蘭霞平剛桂華建國紅玉梅春"
    "志海燕雪鵬飛曉小大中北京上臺灣台北高雄市區路號街客戶姓名電話地址淑美惠雅婷怡君家豪俊宏宗冠宇承恩欣佩珊",
    "japanese": "佐藤鈴木高橋田中伊渡辺山本村小林加吉上松井斎清水口森池阿部石川前長谷近後遠青坂福西太岡野三浦原金子竹内今"
    "東平和藤原丸島宮菊千葉大久保"
    "杉新市河酒市工増安樋関岩谷桜花子美恵一郎二太明正博健誠翔真由香織陽葵結愛翼拓海優斗隆浩幸雄之介直樹智和男"
    "京都府東大阪県区町名前姓電話住所",
    "korean": "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진지수현영준서연우은혜경희"
    "숙미선정호동석철훈승재원"
    "태상기용일해인아나라예빈율채도윤건시후서울부산대구인천광주시구동로길이름전화주소고객",
}  # fmt: skip

"""How models and people spell the fields and values of a MusicStructure: data only.

Names are compared without case, spaces, hyphens, underscores and accents (``plain``), so ``local_key``, ``localKey``
and ``Local Key`` are one entry here. Values are compared the same way.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_MARKS = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A name as it is compared: letters and digits alone, in lower case, without accents."""
    text = text[:80]
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))
    return _MARKS.sub("", text).casefold()


def _is_accent(char: str) -> bool:
    return "\u0300" <= char <= "\u036f"


def _names(table: dict[str, str]) -> dict[str, str]:
    """``{"key": "tonality, keySignature"}`` as a look-up from each plain spelling to the field."""
    return {plain(word): field for field, words in table.items() for word in (field, *words.split(","))}


STRUCTURE = _names({
    "schemaVersion": "version,schema",
    "title": "pieceTitle,pieceName,titre,titel,titulo,titolo,タイトル,曲名,标题,название",
    "key": "homeKey,globalKey,mainKey,musicKey,tonality,keySignature,tonicKey,overallKey,Tonart,tonalite,tonalidad,"
           "tonalita,tonalidade,調,調性,キー,调,调性,тональность",
    "tempo": "bpm,tempoBpm,beatsPerMinute,speed,tempoMarking,quarterBpm,Zeitmass,速度,テンポ,темп",
    "timeSignature": "timeSig,meter,metre,time,signature,musicTimeSignature,beat,Taktart,Takt,mesure,chiffrage,compas,"
                     "拍子,拍号,размер",
    "form": "musicForm,musicalForm,structureForm,formType,formalStructure,forme,forma,形式,曲式,форма",
    "period": "musicPeriod,era,style,stylePeriod,Epoche,epoque,時代,时期",
    "sections": "section,parts,sectionList,formSections,sectionPlan,structureSections,Abschnitte,Teile,secciones,"
                "sezioni,secoes,セクション,段落,разделы",
    "leitmotifs": "leitmotif,leitMotif,leitMotives,leitmotives,leitmotiv,leitmotive,motives,themes,motifBank,motifs",
    "humanize": "humanise,humanization,humanisation,performance,expression",
    "instrumentation": "instruments,instrument,orchestration,scoring,ensemble,Besetzung,楽器,乐器,编制",
    "character": "mood,affect,emotion,charakter,caractere,性格",
    "reasoning": "rationale,explanation,analysis,thoughts,thinking,notes,comment,comments,Begruendung",
})  # fmt: skip
MODE_WORDS = frozenset({"mode", "scale", "modus", "keymode", "tonalmode", "quality"})

SECTION = _names({
    "name": "sectionName,label,title,id,section,letter,sectionLabel,nom,nombre,nome,名前,名称",
    "role": "function,formalRole,type,sectionType,formalFunction,sectionRole",
    "key": "localKey,sectionKey,tonality,keyArea,tonalCenter,tonalCentre,Tonart,tonalite,tonalidad,調,調性,キー,调",
    "measures": "bars,measureCount,numMeasures,numberOfMeasures,barCount,numBars,numberOfBars,lengthInMeasures,"
                "lengthInBars,lengthMeasures,lengthBars,totalMeasures,length,Takte,mesures,compases,battute,小節,小節数,小节,小节数,тактов",
    "chordProgression": "chords,harmony,progression,harmonicProgression,chordSequence,romanNumerals,numerals,"
                        "harmonies,chordProg,Akkorde,accords,acordes,accordi,和音,和弦,コード,コード進行,аккорды",
    "harmonicRhythm": "chordBeats,chordDurations,beatsPerChord,chordRhythm,harmonyRhythm,chordLengths",
    "melody": "tune,melodicMaterial,theme,motifs,motif,motives,melodie,melodia,メロディ,旋律,мелодия",
    "dynamics": "dynamic,volume,loudness,Dynamik,nuance,強弱",
    "texture": "textureType,accompaniment,texturePattern,Satz",
    "cadence": "cadenceType,finalCadence,endingCadence,closingCadence,endCadence,Kadenz,Schluss,cadencia,cadenza,終止",
    "harmonicFunctions": "functions,harmonicFunction,tensionFunctions,tensionProfile",
    "phrases": "phrase,phraseList,subphrases,phraseStructure,Phrasen,frases,frasi,フレーズ,乐句",
})  # fmt: skip

PHRASE = _names({
    "label": "name,id,phraseLabel,phraseName,letter,phrase",
    "role": "function,formalRole,type,phraseType,formalFunction,phraseRole,phraseFunction",
    "measures": "bars,measureCount,numMeasures,numberOfMeasures,barCount,numBars,lengthInMeasures,lengthInBars,length,"
                "Takte,mesures,compases,小節数,小节数",
    "cadence": "cadenceType,finalCadence,endingCadence,closingCadence,endCadence,Kadenz,終止",
    "chords": "chordProgression,harmony,progression,harmonicProgression,romanNumerals,numerals,harmonies,Akkorde,"
              "accords,acordes,和音,和弦",
    "chordBeats": "harmonicRhythm,chordDurations,beatsPerChord,chordRhythm,beats,chordLengths",
    "motif": "motifUse,motive,motifRef,leitmotif,theme",
    "melody": "tune,notes,line,melodie,melodia,旋律,メロディ",
})  # fmt: skip

LEITMOTIF = _names({
    "tag": "name,id,label,motif,title",
    "degrees": "scaleDegrees,notes,pitches,melody,intervals,contour",
    "rhythm": "rhythms,durations,duration,lengths,noteLengths,noteValues,beats",
    "meaning": "description,significance,symbolism,association,emotion,represents",
    "transformations": "transformation,variations,variants,development,techniques",
})  # fmt: skip

MOTIF = _names({
    "degrees": "scaleDegrees,degree,notes,pitches,pitch,melody,contour,sequence,steps,Stufen,degres,grados,音級",
    "rhythm": "rhythms,durations,duration,lengths,length,noteLengths,noteValues,values,beats,Rhythmus,rythme,ritmo",
})  # fmt: skip
NOTE = _names({
    "degree": "scaleDegree,pitch,note,value,step,tone,name,d,p",
    "length": "duration,rhythm,beats,quarters,dur,noteValue,l,len",
})  # fmt: skip
CHORD = _names({
    "figure": "numeral,romanNumeral,roman,chord,symbol,name,degree,rn,label,value",
    "beats": "duration,length,quarters,chordBeats,dur,harmonicRhythm",
})  # fmt: skip
MOTIF_USE = _names({
    "ref": "reference,tag,name,id,motif,motifRef,source,leitmotif,theme,label",
    "transformation": "transform,variation,treatment,technique,operation,development,transformations",
})  # fmt: skip
HUMANIZE = _names({
    "rubato": "rubatoStyle,rubatoAmount,timing",
    "velocityCurve": "velocity,dynamicCurve,dynamicsCurve,curve",
    "peakBoost": "peak,boost,climaxBoost",
    "phraseEndSoftness": "endSoftness,phraseSoftness,softness,phraseEnd",
})  # fmt: skip

WRAPPERS = frozenset(
    plain(word)
    for words in (
        "structure,music,composition,result,data,output,piece,answer,response,musicStructure,score,arguments,content",
        "parameters,input,payload,json,work,song,message,final,plan",
    )
    for word in words.split(",")
)


def _values(table: dict[str, str]) -> dict[str, str]:
    return {plain(word): value for value, words in table.items() for word in words.split(",")}


CADENCES = _values({
    "PAC": "PAC,perfect authentic cadence,perfect authentic,authentic,authentic cadence,perfect cadence,perfect,"
           "full cadence,full close,final cadence,final,V-I,Ganzschluss,vollkommener Ganzschluss,authentische Kadenz,"
           "cadence parfaite,cadencia autentica perfecta,cadencia perfecta,cadenza perfetta,完全終止,正格終止,全终止,"
           "полная каденция",
    "IAC": "IAC,imperfect authentic cadence,imperfect authentic,unvollkommener Ganzschluss,不完全終止,"
           "cadencia autentica imperfecta",
    "HC": "HC,half,half cadence,half close,semi-cadence,semicadence,imperfect cadence,imperfect,demi-cadence,"
          "cadence a la dominante,dominant cadence,on the dominant,open half,Halbschluss,semicadencia,"
          "cadenza sospesa,半終止,半终止,Phrygian half cadence,"
          "Phrygian half,Phrygian cadence,Phrygian,PHC,"
          "половинная каденция",
    "DC": "DC,deceptive,deceptive cadence,interrupted,interrupted cadence,evaded cadence,Trugschluss,cadence rompue,"
          "cadencia rota,cadenza d'inganno,偽終止,阻碍终止,V-vi,прерванная каденция",
    "PC": "PC,plagal,plagal cadence,amen,amen cadence,Plagalschluss,plagale Kadenz,cadence plagale,cadencia plagal,"
          "cadenza plagale,変格終止,変終止,IV-I,плагальная каденция",
    "PICARDY": "PICARDY,picardy third,picardy cadence,tierce de picardie,tierce picarde,picardische Terz,PIC,"
               "ピカルディ終止",
})  # fmt: skip
NO_CADENCE = frozenset(
    map(plain, ("none", "no", "open", "null", "n/a", "no cadence", "elided", "", "continuous", "keine", "なし", "无"))
)

DYNAMICS = _values({
    "pp": "pp,ppp,pppp,pianissimo,very soft,very quiet,sehr leise,whisper",
    "p": "p,piano,soft,quiet,softly,gentle,leise,doux,弱く,弱",
    "mp": "mp,mezzo piano,mezzopiano,medium soft,moderately soft,halbleise",
    "mf": "mf,mezzo forte,mezzoforte,medium,medium loud,moderate,moderately loud,normal,halblaut",
    "f": "f,forte,loud,strong,laut,fort,fp,sf,sfz,fz,強く,強",
    "ff": "ff,fff,ffff,fortissimo,very loud,sehr laut",
})  # fmt: skip

FUNCTIONS = _values({
    "tension": "tension,tense,dominant,D,V,unstable,build,rising,tense dominant,Spannung,緊張",
    "release": "release,tonic,T,I,stable,resolution,resolve,rest,resolved,relaxation,Entspannung,解決",
    "ambiguity": "ambiguity,ambiguous,subdominant,S,PD,predominant,pre-dominant,transition,transitional,neutral",
})  # fmt: skip

TRANSFORMATIONS = _values({
    "theme": "theme,original,statement,restatement,repetition,repeat,identity,exact,literal,none,prime,unchanged",
    "sequence-up": "sequence-up,sequence,ascending sequence,rising sequence,sequence ascending,transposition,"
                   "transposed,transposition up,sequence upward,up",
    "sequence-down": "sequence-down,descending sequence,falling sequence,sequence descending,transposition down,down",
    "inversion": "inversion,inverted,invert,mirror,upside down,Umkehrung,転回",
    "retrograde": "retrograde,reversed,reverse,cancrizans,backwards,Krebs",
    "augmentation": "augmentation,augmented,augment,stretched,rhythmic augmentation",
    "diminution": "diminution,diminished,diminish,rhythmic diminution,compressed",
    "fragmentation": "fragmentation,fragmented,fragment,liquidation,truncation,shortened",
})  # fmt: skip

PERIODS = (
    ("classical", ("classic", "klassik", "galant", "haydn", "mozart", "古典")),
    ("baroque", ("baroq", "barock", "bach", "barocc", "バロック", "巴洛克")),
    ("romantic", ("romant", "chopin", "ロマン", "浪漫", "19th")),
    ("modern", ("modern", "contempor", "20th", "21st", "impression", "jazz", "近代", "現代")),
)

RUBATO = _values({
    "none": "none,no,off,false,strict,metronomic,0",
    "subtle": "subtle,light,slight,little,moderate,low,true,yes,on,medium",
    "expressive": "expressive,free,strong,heavy,high,much,full",
})  # fmt: skip
CURVES = _values({
    "flat": "flat,none,constant,even,linear,off,false",
    "phrase": "phrase,arch,phrased,arc,natural,curve,shaped,on,true,crescendo,wave",
})  # fmt: skip

TEMPOS: tuple[tuple[str, int], ...] = (
    ("prestissimo", 200), ("larghissimo", 40), ("allegretto", 112), ("andantino", 88), ("adagietto", 72),
    ("larghetto", 63), ("allegro", 132), ("andante", 80), ("moderato", 104), ("vivace", 150), ("presto", 176),
    ("adagio", 66), ("largo", 50), ("lento", 54), ("grave", 44), ("vivo", 144), ("massig", 100), ("langsam", 60),
    ("schnell", 140), ("lebhaft", 138), ("modere", 100), ("lent", 56), ("vif", 144), ("medium", 100),
    ("moderate", 100), ("fast", 140), ("quick", 140), ("slow", 60), ("速", 140), ("遅", 60), ("быстро", 140),
    ("медленно", 60),
)  # fmt: skip
"""Quarters a minute for a tempo word; longer words first, since one may hold another."""

TIME_SIGNATURES: dict[str, str] = {
    "c": "4/4", "commontime": "4/4", "common": "4/4", "44": "4/4", "quadruple": "4/4", "cuttime": "2/2", "cut": "2/2",
    "allabreve": "2/2", "c|": "2/2", "22": "2/2", "34": "3/4", "24": "2/4", "68": "6/8", "98": "9/8", "128": "12/8",
    "38": "3/8", "waltz": "3/4", "waltztime": "3/4", "tripletime": "3/4", "triple": "3/4", "dupletime": "2/4",
    "duple": "2/4", "compoundduple": "6/8", "march": "2/4",
}  # fmt: skip
NEAREST_METER: dict[tuple[int, int], str] = {
    (1, 4): "2/4", (5, 4): "4/4", (6, 4): "6/8", (7, 4): "4/4", (8, 4): "4/4", (9, 4): "9/8", (12, 4): "12/8",
    (1, 2): "2/4", (3, 2): "3/4", (4, 2): "4/4", (6, 2): "6/8", (1, 8): "3/8", (2, 8): "2/4", (4, 8): "2/4",
    (5, 8): "3/4", (7, 8): "4/4", (8, 8): "4/4", (10, 8): "4/4", (3, 16): "3/8", (6, 16): "6/8", (2, 4): "2/4",
    (9, 16): "9/8", (12, 16): "12/8", (4, 1): "4/4", (2, 1): "2/2", (1, 1): "4/4",
}  # fmt: skip

NUMBER_WORDS: dict[str, int] = {
    word: value
    for value, words in enumerate((
        "zero,null,cero,ноль", "one,un,une,eins,ein,eine,uno,una,um,一,один", "two,deux,zwei,dos,due,dois,二,два",
        "three,trois,drei,tres,tre,三,три", "four,quatre,vier,cuatro,quattro,quatro,四,четыре",
        "five,cinq,funf,fuenf,cinco,cinque,五,пять", "six,sechs,seis,sei,六,шесть",
        "seven,sept,sieben,siete,sette,sete,七,семь", "eight,huit,acht,ocho,otto,oito,八,восемь",
        "nine,neuf,neun,nueve,nove,九,девять", "ten,dix,zehn,diez,dieci,dez,十,десять", "eleven,onze,elf,once,undici,"
        "十一",
        "twelve,douze,zwolf,zwoelf,doce,dodici,doze,十二", "thirteen,treize,dreizehn,trece,十三",
        "fourteen,quatorze,vierzehn,catorce,十四", "fifteen,quinze,funfzehn,quince,十五",
        "sixteen,seize,sechzehn,dieciseis,sedici,十六", "seventeen", "eighteen", "nineteen",
        "twenty,vingt,zwanzig,veinte,venti,二十",
    ))
    for word in words.split(",")
}  # fmt: skip
TENS: dict[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100,
}  # fmt: skip

_NOTE_WORDS: dict[float, str] = {
    4.0: "whole,semibreve,ganze,ronde,redonda,semibreve,intero,w,1n,全音符,целая",
    2.0: "half,minim,halbe,blanche,blanca,minima,h,2n,二分音符,половинная",
    1.0: "quarter,crotchet,viertel,noire,negra,seminima,q,4n,四分音符,beat,♩,четверть",
    0.5: "eighth,quaver,achtel,croche,corchea,croma,e,8n,eight,八分音符,♪,восьмая",
    0.25: "sixteenth,semiquaver,sechzehntel,double croche,semicorchea,semicroma,s,16n,十六分音符",
    0.125: "thirty-second,thirtysecond,demisemiquaver,32n,t,triple croche",
    8.0: "breve,double whole",
}
NOTE_LENGTHS: dict[str, float] = {
    (plain(word) or word): value for value, words in _NOTE_WORDS.items() for word in words.split(",")
} | {"♩": 1.0, "♪": 0.5}

SOLFEGE: dict[str, int | str] = {
    "do": 1, "ut": 1, "re": 2, "mi": 3, "fa": 4, "sol": 5, "so": 5, "la": 6, "ti": 7, "si": 7, "di": "#1", "ri": "#2",
    "fi": "#4", "li": "#6", "ra": "b2", "me": "b3", "se": "b5", "le": "b6", "te": "b7",
    "tonic": 1, "supertonic": 2, "mediant": 3, "subdominant": 4, "dominant": 5, "submediant": 6, "leadingtone": 7,
    "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7,
}  # fmt: skip
RESTS = frozenset({"r", "rest", "pause", "silence", "x", "z", "none", "null", "s", "pausa", "休符", "休止"})

CHORD_WORDS: dict[str, tuple[str, str]] = {
    # The numeral in major and in minor.
    "tonic": ("I", "i"), "supertonic": ("ii", "iio"), "mediant": ("iii", "III"), "subdominant": ("IV", "iv"),
    "dominant": ("V", "V"), "submediant": ("vi", "VI"), "leadingtone": ("viio", "viio"), "subtonic": ("bVII", "VII"),
    "dominantseventh": ("V7", "V7"), "dominant7": ("V7", "V7"), "dominant7th": ("V7", "V7"),
    "neapolitan": ("N6", "N6"), "neapolitansixth": ("N6", "N6"), "germansixth": ("Ger65", "Ger65"),
    "german6th": ("Ger65", "Ger65"), "germanaugmentedsixth": ("Ger65", "Ger65"), "italiansixth": ("It6", "It6"),
    "frenchsixth": ("Fr43", "Fr43"), "cadential64": ("Cad64", "Cad64"), "cadential": ("Cad64", "Cad64"),
    "it6": ("It6", "It6"),
    "cad64": ("Cad64", "Cad64"), "cadential6": ("Cad64", "Cad64"),
    "ger6": ("Ger65", "Ger65"), "gr6": ("Ger65", "Ger65"), "fr6": ("Fr43", "Fr43"), "n": ("N6", "N6"),
    "k64": ("Cad64", "Cad64"), "i64cad": ("Cad64", "Cad64"),
}  # fmt: skip

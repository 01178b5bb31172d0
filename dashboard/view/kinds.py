"""What secrets look like that have a shape of their own: the tokens of services, password hashes, keys in one line.

Each line of the tables is a fact about a service, in RE2 syntax. The measure is the list of rules of Gitleaks
(https://github.com/gitleaks/gitleaks, config/gitleaks.toml); the rest is from the services' own documents. All of a
table is one alternative, so that a line is looked through once for all of them.
"""

from __future__ import annotations

import re

_HEX = '[0-9a-fA-F]'
_UUID = rf'{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}'

# what may follow is taken too: a token that has grown longer must not be left in part
_TOKENS = (
    r'dld_[\w-]{16,}',  # our own
    # code and packages
    r'gh[a-z]_[0-9A-Za-z]{30,}|github_pat_\w{22,}',
    r'gl(?:pat|dt|ft|rt|rtr|ptt|cbt|soat|oas|agent|imt|ffct)-[\w-]{20,}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?',
    r'npm_[0-9A-Za-z]{36,}|pypi-[\w-]{50,}|rubygems_[0-9a-f]{48}|CLOJARS_[0-9a-z]{60}|dckr_(?:pat|oat)_[\w-]{20,}',
    r'sq[up]_[0-9a-f]{40}|sgp_(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}|API-[A-Z0-9]{25,}',
    r'dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]+\.)?[0-9A-Za-z]{40,}|pul-[0-9a-f]{40}|pnu_[0-9A-Za-z]{36}',
    r'PMAK-[0-9a-fA-F]{24}-[0-9a-fA-F]{34}|lin_(?:api|oauth)_[0-9A-Za-z]{40,}|ntn_[0-9]{11}[0-9A-Za-z]{35}',
    r'rdme_[a-z0-9]{70}|secret_[0-9A-Za-z]{43}|fio-u-[\w=-]{64}|hv[sbr]\.[\w-]{24,}|ico-[0-9A-Za-z]{32}|HRKU-AA[\w-]{58}',
    r'(?:pat|sat)\.[\w-]{22}\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{20}',
    # clouds
    r'ya29\.[\w-]{20,}|GOCSPX-[\w-]{24,}|do[opr]_v1_[0-9a-f]{64}|tk-us-[\w-]{48}|v1\.0-[0-9a-f]{24}-[0-9a-f]{146}',
    r'dt0[a-z][0-9]{2}\.[0-9A-Z]{24}\.[0-9A-Z]{64}|t1\.[\w-]+={0,2}\.[\w-]{86}={0,2}|sha256~[\w-]{43}',
    r'(?:fo1_[\w-]{43}|fm1[ar]_[0-9A-Za-z+/]{100,}|fm2_[0-9A-Za-z+/]{100,})={0,3}|dnkey-[\w=-]{26}-[\w=-]{52}',
    r'pscale_(?:tkn|oauth|pw)_[\w=.-]{32,}|napi_[0-9a-z]{60,}|sbp_[0-9a-f]{40}|sb_secret_[\w-]{30,}',
    r'vercel_blob_rw_[\w-]{30,}|nfp_[0-9A-Za-z]{36,}|rnd_[0-9A-Za-z]{28,}|tskey-[a-z]+-\w+-\w{20,}',
    # models
    r'sk-ant-[a-z]+[0-9]{2}-[\w-]{20,}|sk-(?:proj|svcacct|admin|or-v1|None)-[\w-]{20,}|sk-[0-9A-Za-z]{32,}',
    r'hf_[0-9A-Za-z]{30,}|api_org_[A-Za-z]{34}|gsk_[0-9A-Za-z]{40,}|xai-[0-9A-Za-z]{60,}|r8_[0-9A-Za-z]{37}',
    r'pplx-[0-9A-Za-z]{40,}',
    # chat and mail
    r'xox[a-z](?:\.xox[a-z])?-[\w-]{10,}|xapp-[0-9]-[\w-]{20,}|SG\.[\w-]{16,32}\.[\w-]{32,64}',
    r'x(?:keys|smtps)ib-[0-9a-f]{64}-[0-9A-Za-z]{16}|(?:pub)?key-[0-9a-f]{32}|re_[0-9A-Za-z]{8}_[0-9A-Za-z]{20,}',
    r'tfp_[\w.=-]{40,}',
    # money and shops
    r'(?:sk|rk|whsec)_(?:test_|live_|prod_)?[0-9A-Za-z+/]{24,}={0,2}|(?:sk|rk)_(?:test|live|prod)_[0-9A-Za-z]{10,}',
    r'shp(?:at|ca|pa|ss|it)_[0-9a-fA-F]{32}|shippo_(?:live|test)_[0-9a-fA-F]{40}|sq0[a-z]{3}-[\w-]{22,}',
    r'FLW(?:SECK|PUBK)(?:_TEST)?-[0-9A-Za-z]{12,}(?:-X)?|duffel_(?:test|live)_[\w=-]{43}|live_[\w=-]{40}',
    rf'access-(?:sandbox|development|production)-{_UUID}|(?:live|test)_(?:[0-9a-f]{{35}}|pub_[0-9a-f]{{31}})',
    # what is watched, and who signs in
    r'gl(?:c|sa)_[0-9A-Za-z+/_]{32,}={0,3}|NR(?:AK|JS|II|RA|AL)-[0-9A-Za-z-]{19,}|ph[cx]_[0-9A-Za-z]{40,}',
    r'sntrys_eyJ[\w+/=-]{40,}|sntryu_[0-9a-f]{64}|ops_eyJ[0-9A-Za-z+/]{100,}={0,3}|sm_[aps]at_[0-9A-Za-z]{16}',
    r'A3-[0-9A-Z]{6}-(?:[0-9A-Z]{11}|[0-9A-Z]{6}-[0-9A-Z]{5})(?:-[0-9A-Z]{5}){3}|p8e-[0-9A-Za-z]{32}',
    r's-s4t2(?:ud|af)-[0-9a-f]{64}|[ps]k\.[0-9A-Za-z]{60,}\.[\w-]{22}|sl\.[\w-]{130,}',
    r'(?:sc|ext|scauth|authress)_[0-9A-Za-z]{5,30}\.[0-9A-Za-z]{4,6}\.acc[_-][0-9A-Za-z-]{10,32}\.[\w+/=-]{30,}',
)

# those that could be within a picture or another file in base64
_LETTERS = (
    r'AIza[\w-]{35}|GR1348941[\w-]{20,}|oy2[a-z0-9]{43}|AKCp[0-9A-Za-z]{60,}|cmVmd[0-9A-Za-z]{59}|AT[AC]TT3[\w=-]{100,}',
    r'ATBB[0-9A-Za-z]{32}|dapi[0-9a-f]{32}(?:-[0-9])?|LTAI[0-9A-Za-z]{16,}|4b1d[0-9A-Za-z]{38}|AQVN[\w-]{35,}|YC[\w-]{38}',
    r'SK[0-9a-fA-F]{32}|EZ[AT]K[0-9A-Za-z]{54}|EAAA[\w-]{22,}|EAA[A-Z][0-9A-Za-z]{100,}|eyJrIjoi[0-9A-Za-z]{70,}={0,3}',
    r'A{22}[0-9A-Za-z%]{80,}|1//0[\w-]{40,}',
)

# those that begin with what any word may be, each with a shorter pattern for the first look, which would be slow if it
# had to count the signs of every word
_WORDS = (
    (r'[0-9A-Za-z]{14}\.atlasv1\.[\w=-]{60,}', r'\.atlasv1\.'),  # Terraform
    (r'[0-9]{5,16}:A[\w-]{34}', r'[0-9]:A[\w-]{34}'),  # Telegram
    (r'[MNO][A-Za-z0-9]{22,27}\.[\w-]{6}\.[\w-]{27,}', r'[0-9A-Za-z]\.[\w-]{6}\.[\w-]{27}'),  # Discord
    (r'[0-9a-h]{32}-[0-9a-h]{8}-[0-9a-h]{8}', r'[0-9a-h]-[0-9a-h]{8}-[0-9a-h]{8}'),  # Mailgun
    (r'[0-9a-f]{32}-us[0-9]{1,2}', r'[0-9a-f]-us[0-9]'),  # Mailchimp
    (r'[0-9A-Za-z]{6}_[0-9A-Za-z]{29}_mmk', r'_mmk'),  # MaxMind
    (r'[0-9]{15,16}(?:\||%7[cC])[\w-]{27,40}', r'[0-9](?:\||%7[cC])[\w-]{27}'),  # Facebook
    (r'[0-9a-z]{11}AAAAAAAAAA[\w=-]{43}', r'[0-9a-z]AAAAAAAAAA'),  # Dropbox
    (r'[0-9]{15,25}-[0-9A-Za-z]{40}', r'[0-9]-[0-9A-Za-z]{40}'),  # Twitter
)

# where they stand tells what they are
_PLACES = (
    r'hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([\w/+]{30,})',
    r'discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/([0-9]+/[\w-]{40,})',
    r'\.webhook\.office\.com/webhookb2/([\w@/-]{60,})',
    r'api\.telegram\.org/(?:file/)?bot([0-9]+:[\w-]{20,})',
    r'(?i:(?:AccountKey|SharedAccessKey|SharedSecretValue|SharedAccessSignature)=)([^;\s"\x27]{16,})',
    r'(?i:[?&](?:amp;)?(?:sig|signature|x-(?:amz|goog)-(?:signature|security-token|credential))(?:=|%3d))([\w%+/=.~-]{16,})',
    r'(?:^|[\s"\x27=:,(>`\\])([\w~.]{3}[0-9]Q~[\w~.-]{31,34})',  # Entra
    r'(?i:okta[\w.-]{0,20}[\s"\x27]{0,3}[:=,>][\s"\x27]{0,3})(00[\w=-]{40})',
    r'(?i:beamer[\w.-]{0,20}[\s"\x27]{0,3}[:=,>][\s"\x27]{0,3})(b_[\w=-]{44})',
    r'(?i:\b(?:bundle_(?:enterprise|gems)__contribsys__com)\s*[=:]\s*["\x27]?)([0-9a-f]{8}:[0-9a-f]{8})',
)

_HASHES = (
    r'\$2[abxy]?\$[0-9]{2}\$[./0-9A-Za-z]{53}',  # bcrypt
    r'\$argon2(?:id|i|d)\$v=[0-9]+\$[\w=,]+\$[\w+/.-]+(?:\$[\w+/.-]+)?',
    r'\$(?:[156y]|7|gy|sha1|md5|apr1|scrypt|pbkdf2(?:-sha(?:1|256|512))?)\$(?:[\w=,.]+\$)?[./0-9A-Za-z]{1,64}\$[./0-9A-Za-z+=]{20,}',
    r'(?:pbkdf2|bcrypt|scrypt|argon2|sha1|md5)(?:_sha(?:1|256|512))?(?::[a-z0-9]+)?[$:][0-9]+(?:[:$][0-9]+)*\$[\w+/.-]{6,}\$[\w+/=.-]{20,}',
    r'\{(?:SSHA|SHA|SMD5|MD5|CRYPT|SSHA256|SSHA512|PBKDF2[\w-]*)\}[0-9A-Za-z+/.$]{16,}={0,2}',
    r'SCRAM-SHA-(?:1|256|512)\$[0-9]+:[0-9A-Za-z+/=]+\$[0-9A-Za-z+/=]+:[0-9A-Za-z+/=]+',  # PostgreSQL
    r'\*[0-9A-F]{40}\b',  # MySQL
    r'\$S\$[./0-9A-Za-z]{52}|\$[PH]\$[./0-9A-Za-z]{31}',
)

_KEYS = (
    r'AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,}',
    r'LS0tLS1CRUdJTi[0-9A-Za-z+/]{20,}={0,2}',  # a PEM block in base64, as Kubernetes keeps it
    # the beginnings of keys in DER: PKCS #8 for RSA, EC and Ed25519, then PKCS #1 and SEC 1
    r'MI[IG][0-9A-Za-z+/]{2,6}IBADANBgkqhkiG9w0BAQEFAASC[0-9A-Za-z+/]{20,}={0,2}',
    r'MI[GHI][0-9A-Za-z+/]{1,5}AgEAMB[AM]GByqGSM49AgEG[0-9A-Za-z+/]{20,}={0,2}',
    r'MC4CAQAwBQYDK2V[0-9A-Za-z+/]{40,}={0,2}|MII[BEJ][0-9A-Za-z+/]{2}IBAAKC[0-9A-Za-z+/]{40,}={0,2}',
    r'MHcCAQEEI[0-9A-Za-z+/]{40,}={0,2}|PuTTY-User-Key-File-[0-9]:.*',
)


def shortened(pattern: str) -> str:
    """A pattern that fits wherever another does, and counts to ``MOST_COUNTED`` at most.

    RE2 makes a state of every count, with everything else that may be going on, and crawls when there are too many.
    """
    return _COUNT.sub(lambda count: f'{{{min(int(count[1]), MOST_COUNTED)},}}', pattern)


MOST_COUNTED = 8  # signs that a first look counts
_COUNT = re.compile(r'(?<!\\x)\{([0-9]{2,})(?:,[0-9]*)?\}')

# a token may stand behind anything that is no part of a word, also behind an escape such as \n or %3D
_BEFORE = r'(?:^|[^0-9A-Za-z_]|\\[nrt]|%[0-9a-fA-F]{2})'

_BEFORE_LETTERS = r'(?:^|[^0-9A-Za-z_+/]|\\[nrt]|%[0-9a-fA-F]{2})'

# one by one: RE2 crawls through a line that holds one when it has to count for all of them
TOKENS = (
    *(rf'{_BEFORE}({pattern})' for pattern in (*_TOKENS, *(pattern for pattern, _ in _WORDS))),
    *(rf'{_BEFORE_LETTERS}({pattern})' for pattern in _LETTERS),
)
TOKEN_HINT = '|'.join(
    [
        shortened(rf'{_BEFORE}(?:{"|".join(_TOKENS)})'),
        shortened(rf'{_BEFORE_LETTERS}(?:{"|".join(_LETTERS)})'),
        *(hint for _, hint in _WORDS),
    ]
)
PLACE = '|'.join(_PLACES)
HASH = rf'(?:{"|".join(_HASHES)})'
KEY = rf'(?:{"|".join(_KEYS)})'
LEGACY_VAULT = rf'{_BEFORE}(s\.[0-9A-Za-z]{{24}})(?:$|[^0-9A-Za-z.(])'
JWT = (
    r'eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*'
    r'|ZXlK[0-9A-Za-z+/_-]{60,}={0,2}'  # one in base64
)

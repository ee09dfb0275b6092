from collections import namedtuple

Version = namedtuple("Version", ["game_version", "build_version", "data_version", "binary"])

VERSIONS = [
    Version("4.6.2", 69232, "B3E14058F1083913B80C20993AC965DB", None),
    Version("4.9.3", 75025, "C305368C63621480462F8F516FB64374", None),
    Version("4.10.0", 75689, "B89B5D6FA7CBF6452E721311BFBC6CB2", None),
]

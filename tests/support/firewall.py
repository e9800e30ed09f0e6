"""ModSecurity with OWASP's core rule set, as Debian ships both, for a private Apache."""

from pathlib import Path

from tests.support.apache import MODULES
from tests.support.processes import missing

MODULE = MODULES / "mod_security2.so"
RECOMMENDED = Path("/etc/modsecurity/modsecurity.conf-recommended")
RULES = Path("/usr/share/modsecurity-crs/owasp-crs.load")


def directives(paranoia: int, folder: Path) -> list[str]:
    """For Apache's `server_directives`: the packages' defaults, switched on.

    `paranoia` is the rules' level from 1, their default, to 4. `folder` is theirs to write into.
    """
    if not MODULE.exists():
        missing("ModSecurity is not installed (Debian's package libapache2-mod-security2)")
    if not RULES.exists():
        missing("the core rule set is not installed (Debian's package modsecurity-crs)")
    folder.chmod(0o777)
    return [
        f'LoadModule unique_id_module "{MODULES}/mod_unique_id.so"',
        f'LoadModule security2_module "{MODULE}"',
        f'Include "{RECOMMENDED}"',
        f'SecDataDir "{folder}"',
        f'SecAuditLog "{folder}/audit.log"',
        "SecRuleEngine On",
        f'SecAction "id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level={paranoia}"',
        f'Include "{RULES}"',
    ]

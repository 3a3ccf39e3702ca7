# SPDX-License-Identifier: GPL-2.0-or-later
# Turns src/app/options.def into the options of the manual page, or (-v form=conf) into a configuration
# file with every option at its default, commented out.
/^OPTION\(/ {
	line = $0
	sub(/^OPTION\(/, "", line)
	sub(/\)$/, "", line)
	n = 0
	while (match(line, /"([^"\\]|\\.)*"/)) {
		part[++n] = substr(line, RSTART + 1, RLENGTH - 2)
		line = substr(line, RSTART + RLENGTH)
	}
	name = part[1]; argument = part[2]; value = part[3]; help = part[4]
	if (form == "conf") {
		if (name ~ /^(config|version|help)$/)
			next
		gsub(/--/, "", help)
		printf "# %s\n#%s = %s\n\n", help, name, argument == "" ? "no" : value
		next
	}
	gsub(/-/, "\\-", name)
	gsub(/-/, "\\-", help)
	printf ".TP\n.BR \\-\\-%s%s\n%s", name, argument == "" ? "" : " \" \" \\fI" argument "\\fR", help
	if (value != "")
		printf " Default: %s.", value
	printf "\n"
}

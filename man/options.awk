# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the rows of src/app/options.def and src/cli/cli.def into parts of the manual page; with
# -v form=conf into a configuration file with every option at its default, commented out; with
# -v form=bash into the completion of bash.
function words(line) {
	n = 0
	while (match(line, /"([^"\\]|\\.)*"/)) {
		part[++n] = substr(line, RSTART + 1, RLENGTH - 2)
		line = substr(line, RSTART + RLENGTH)
	}
}
function escaped(text) {
	gsub(/-/, "\\-", text)
	return text
}
function put_row(name, argument, help) {
	printf ".TP\n.BR %s%s\n%s", escaped(name), argument == "" ? "" : " \" \" \\fI" argument "\\fR", escaped(help)
}
function take_file(name, argument) {
	if (argument ~ /^(FILE|PATH|URI)$/)
		files = files (files == "" ? "" : " | ") "--" name
}
/^OPTION\(/ {
	words($0)
	take_file(part[1], part[2])
	if (form == "bash")
		options = options " --" part[1]
	else if (form == "conf") {
		if (part[1] ~ /^(config|version|help)$/)
			next
		gsub(/--/, "", part[4])
		printf "# %s\n#%s = %s\n\n", part[4], part[1], part[2] == "" ? "no" : part[3]
	} else {
		put_row("--" part[1], part[2], part[4])
		printf part[3] != "" ? " Default: " part[3] ".\n" : "\n"
	}
}
/^COMMAND\(/ {
	words($0)
	sub(/^COMMAND\(/, "")
	sub(/,.*/, "")
	commands = commands " " $0
	if (form == "")
		put_row($0, part[1], part[2] "\n")
}
/^CLI_OPTION\(/ {
	words($0)
	take_file(part[1], part[2])
	all = part[3] == "*" ? commands : " " part[3]
	for (count = split(all, of, " "); count; count--)
		own[of[count]] = own[of[count]] " --" part[1]
	letter = match($0, /'[a-z]'/) ? "-" substr($0, RSTART + 1, 1) ", " : ""
	if (form == "")
		put_row(letter "--" part[1], part[2], (part[3] == "*" ? "" : "(" part[3] ") ") part[4] "\n")
}
END {
	if (form != "bash")
		exit
	print "# Made of the tables of options; for bash-completion."
	print "_cleartap() {"
	print "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} list"
	print "\tcase $before in"
	printf "\t%s) return ;; # names of files\n", files
	print "\tesac"
	print "\tcase ${COMP_WORDS[1]} in"
	for (name in own)
		printf "\t%s) list=\"%s\" ;;\n", name, substr(own[name], 2)
	printf "\t*) list=\"%s\"; [ \"$COMP_CWORD\" != 1 ] || list+=\"%s\" ;;\n", substr(options, 2), commands
	print "\tesac"
	print "\tCOMPREPLY=($(compgen -W \"$list\" -- \"$word\"))"
	print "}"
	print "complete -o default -F _cleartap cleartap"
}

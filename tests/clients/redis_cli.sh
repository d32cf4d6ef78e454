#!/usr/bin/env bash
# redis-cli: the story of one ticket, as a person types it.
set -euo pipefail
socket=$1
cli() { redis-cli -s "$socket" "$@"; }

# is NAME GOT WANTED: a pattern of the shell, so that seqs may be anything.
is() {
  # shellcheck disable=SC2053
  if [[ $2 != $3 ]]; then
    printf '%s\n  got:    %q\n  wanted: %q\n' "$1" "$2" "$3"
    exit 1
  fi
}
seq() {
  [[ $2 =~ ^[1-9][0-9]*$ ]] || { echo "$1: no seq but '$2'"; exit 1; }
}
# value NAME of flat pairs on stdin
value() { awk -v name="$1" 'take { print; exit } $0 == name && NR % 2 == 1 { take = 1 }'; }

q=redis-cli
seq "QUEUE.SET" "$(cli QUEUE.SET $q open)"
seq "AGENT.SET" "$(cli AGENT.SET $q-agent queues $q skills network:5)"
due=$((($(date +%s) + 3600) * 1000))
opened=$(cli TICKET.OPEN $q-1 policy none queue $q priority P2 skills 'network>=3' customer ACME due.resolution $due)
seq "TICKET.OPEN" "$opened"
is "repeated OPEN" "$(cli ticket.open $q-1 policy none queue $q priority P2 skills 'network>=3' customer ACME due.resolution $due)" "$opened"
is "OPEN with other fields" "$(cli TICKET.OPEN $q-1 policy none queue $q priority P3)" "EXISTS *"

taken=$(cli AGENT.NEXT $q-agent)
is "AGENT.NEXT begins" "$(head -n 1 <<<"$taken")" "ticket"
is "AGENT.NEXT ticket" "$(value ticket <<<"$taken")" "$q-1"
hold=$(value hold <<<"$taken")
seq "hold" "$hold"
is "due" "$(value due <<<"$taken")" "$due"
is "nothing fits" "$(cli --no-raw AGENT.NEXT $q-agent)" "*LIMIT*"

seq "TICKET.RESPOND" "$(cli TICKET.RESPOND $q-1 by $q-agent hold "$hold")"
is "state" "$(cli TICKET.GET $q-1 | value state)" "assigned"
is "another hold" "$(cli TICKET.RESOLVE $q-1 hold 1)" "STATE *"
seq "TICKET.RESOLVE" "$(cli TICKET.RESOLVE $q-1 hold "$hold")"
is "nothing left" "$(cli --no-raw AGENT.NEXT $q-agent)" "(nil)"
is "closed" "$(cli TICKET.GET $q-1 | value state)" "closed"

is "unknown ticket" "$(cli TICKET.RESPOND $q-none)" "NOTFOUND *"
is "unknown command" "$(cli TICKET.OPNE x)" "ERR unknown command *"
is "unknown field" "$(cli TICKET.OPEN x prioritty P1)" "BADARG *priority*"
is "arity" "$(cli TICKET.RESPOND)" "ERR wrong number of arguments*"

types=$(cli XREAD COUNT 100 STREAMS "events:ticket:$q-1" 0 | grep -E '^ticket\.' | tr '\n' ' ')
is "XREAD" "$types" "ticket.opened ticket.assigned ticket.responded ticket.resolved ticket.closed "
is "XREVRANGE" "$(cli XREVRANGE "events:ticket:$q-1" + - COUNT 1 | sed -n 3p)" "ticket.closed"
is "first id" "$(cli XRANGE "events:ticket:$q-1" - + COUNT 1 | head -n 1)" "$opened-0"
[[ $(cli XLEN events) -ge 7 ]]
is "XINFO" "$(cli XINFO STREAM events | head -n 1)" "length"

# MULTI: queued, then all replies at once; typed as lines into one connection.
multi=$(printf 'MULTI\nTICKET.OPEN %s-2 policy none queue %s\nTICKET.CANCEL %s-2 as spam\nEXEC\n' $q $q $q | cli | tr '\n' ' ')
[[ $multi =~ ^OK\ QUEUED\ QUEUED\ [0-9]+\ [0-9]+\ $ ]] || { echo "MULTI: $multi"; exit 1; }
# RESP3 and the help that redis-cli builds from COMMAND DOCS.
is "RESP3" "$(cli -3 --no-raw AGENT.GET $q-agent | head -n 1)" "*1# \"agent\" => \"$q-agent\""
[[ $(cli COMMAND COUNT) -ge 40 ]]
is "COMMAND DOCS" "$(cli COMMAND DOCS ticket.open | head -n 1)" "[Tt][Ii][Cc][Kk][Ee][Tt].[Oo][Pp][Ee][Nn]"
# A file of commands through --pipe, as bulk loads are done.
piped=$(for i in {1..500}; do
  printf 'TICKET.OPEN %s-p%d policy none queue none\r\nTICKET.CANCEL %s-p%d\r\n' $q "$i" $q "$i"
done | cli --pipe 2>&1)
is "--pipe" "$(tail -n 1 <<<"$piped")" "errors: 0, replies: 1000"

#!/bin/sh
# Says again what was said: chatd bot --exec ./echo_bot.sh
# The text is on stdin, the rest in the environment; what is printed is the answer.
printf '%s said: ' "$CHATD_SENDER"
cat

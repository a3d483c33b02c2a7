#!/bin/sh
# Tells somebody that a disk is nearly full. For cron, after "chatd login --profile alerts --user alerts":
#   */10 * * * *  CHATD_PROFILE=alerts /usr/local/bin/disk_alert.sh / 90 ana
set -eu
disk=$1 limit=$2 to=$3
used=$(df -P "$disk" | awk 'NR == 2 { print $5 + 0 }')
if [ "$used" -ge "$limit" ]; then
  chatd send --to "$to" "$(uname -n): $disk is $used % full"
fi

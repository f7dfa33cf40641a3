/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_log: the thresholds that the program itself saw crossed, in the order in which it did.
 *
 * See struct seep_alert in the file format. For tools/model only; others read profile.alerts.
 */
#ifndef SEEP_MODEL_ALERT_LOG_H
#define SEEP_MODEL_ALERT_LOG_H

#include <stdint.h>

#include "tools/model/payload_decoder.h"

struct node_table;
struct profile;

/* Adds what the payload of a record says; `time_s` is the record's. A kind that a later version has
 * added is left out. Returns 0, -EBADMSG, or -ENOMEM. */
int alert_log_add(struct profile *profile, struct payload payload, double time_s);

/* Puts the ids that stand for them in the place of the stacks. Returns 0, or -EBADMSG when
 * there were unknown stacks, whose alerts are left out. */
int alert_log_link(struct profile *profile, const struct node_table *nodes);

#endif

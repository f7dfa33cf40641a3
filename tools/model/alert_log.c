/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_log: the thresholds that the program itself saw crossed, in the order in which it did.
 */
#include "tools/model/alert_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tools/model/node_table.h"
#include "tools/model/profile.h"

/* The library writes no more, see the format. Each is set beside each site that has crossed a
 * threshold, so a file with a million of both would take for ever. */
#define ALERTS_MAX 1024

static bool is_of_site(uint32_t kind)
{
	return kind == SEEP_ALERT_SITE_GROWTH || kind == SEEP_ALERT_SITE_LIVE;
}

int alert_log_add(struct profile *profile, struct payload payload, double time_s)
{
	struct seep_alert raw;
	if (!payload_alert(payload, &raw) || is_of_site(raw.kind) != (raw.stack != 0))
		return -EBADMSG;
	if (raw.kind < SEEP_ALERT_GROWTH || raw.kind > SEEP_ALERT_SITE_LIVE)
		return 0;
	size_t count = profile->alert_count;
	if (count == ALERTS_MAX)
		return -EBADMSG;
	/* A power of two is full. */
	if ((count & (count - 1)) == 0) {
		struct alert *longer = reallocarray(profile->alerts, count ? 2 * count : 1,
						    sizeof(*profile->alerts));
		if (!longer)
			return -ENOMEM;
		profile->alerts = longer;
	}
	profile->alerts[profile->alert_count++] = (struct alert){.raw = raw, .time_s = time_s};
	return 0;
}

int alert_log_link(struct profile *profile, const struct node_table *nodes)
{
	size_t kept = 0;
	for (size_t i = 0; i < profile->alert_count; i++) {
		struct alert *alert = &profile->alerts[i];
		if (alert->raw.stack)
			alert->raw.stack = node_table_first_id(nodes, alert->raw.stack);
		if (alert->raw.stack || !is_of_site(alert->raw.kind))
			profile->alerts[kept++] = *alert;
	}
	int result = kept < profile->alert_count ? -EBADMSG : 0;
	profile->alert_count = kept;
	return result;
}

package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
)

// matrix is what the connections of one service need: a row for each connection, a column for each action.
type matrix struct {
	Service string
	Actions []string
	Rows    []matrixRow
}

type matrixRow struct {
	Connection string
	Cells      []cell
}

// cell is one action for one connection, on all resources that it needs it on.
type cell struct {
	Action string // for layouts without column heads
	Needed bool
	Label  label
	Cause  string // of a denial
	Differ bool   // the sources do, on one of the resources
	Anchor string // of the finding about it; empty if there is none
}

// matrices groups the permissions by service, in the order of the services' names.
func matrices(r audit.Report, anchors map[string]string) []matrix {
	needs := map[string]map[string]map[string][]audit.Permission{} // by service, connection and action
	for _, p := range r.Permissions {
		service, action, _ := strings.Cut(p.Action, ":")
		for _, connection := range p.Connections {
			put(needs, service, connection, action, p)
		}
	}
	var out []matrix
	for _, service := range sortedKeys(needs) {
		m := matrix{Service: visible(serviceText(service))}
		var actions []string
		for _, byAction := range needs[service] {
			actions = append(actions, sortedKeys(byAction)...)
		}
		slices.Sort(actions)
		actions = slices.Compact(actions)
		for _, action := range actions {
			m.Actions = append(m.Actions, visible(action))
		}
		for _, connection := range sortedKeys(needs[service]) {
			row := matrixRow{Connection: visible(connection)}
			for _, action := range actions {
				row.Cells = append(row.Cells, cellOf(action, needs[service][connection][action], anchors))
			}
			m.Rows = append(m.Rows, row)
		}
		out = append(out, m)
	}
	return out
}

func put(needs map[string]map[string]map[string][]audit.Permission, service, connection, action string, p audit.Permission) {
	if needs[service] == nil {
		needs[service] = map[string]map[string][]audit.Permission{}
	}
	if needs[service][connection] == nil {
		needs[service][connection] = map[string][]audit.Permission{}
	}
	needs[service][connection][action] = append(needs[service][connection][action], p)
}

// cellOf shows the worst of several verdicts, and of how many resources it is.
func cellOf(action string, all []audit.Permission, anchors map[string]string) cell {
	c := cell{Action: visible(action), Needed: len(all) > 0}
	if !c.Needed {
		return c
	}
	worst := slices.MaxFunc(all, func(a, b audit.Permission) int { return badness(a.Verdict) - badness(b.Verdict) })
	c.Label, c.Anchor = verdictLabel(worst.Verdict), anchors[permissionKey(worst.Action, worst.Resource)]
	same := 0
	for _, p := range all {
		if p.Verdict == worst.Verdict {
			same++
		}
		c.Differ = c.Differ || p.Disagree
	}
	if same < len(all) {
		c.Label.Text = strconv.Itoa(same) + " of " + strconv.Itoa(len(all)) + " " + strings.ToLower(c.Label.Text)
	}
	if worst.Verdict.Denied() {
		c.Cause = causeText(worst.Cause)
	}
	return c
}

func badness(v verdict.Verdict) int {
	switch v {
	case verdict.Allowed:
		return 0
	case verdict.DeniedImplicit:
		return 2
	case verdict.DeniedExplicit:
		return 3
	case verdict.Unknown:
	}
	return 1
}

func permissionKey(action, resource string) string { return action + "\n" + resource }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

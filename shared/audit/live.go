package audit

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/shared/audit/probe"
	"github.com/arngate/arngate/shared/audit/verdict"
)

// live probes what one connection needs.
type live struct {
	prober  *probe.Prober
	with    aws.Credentials // under the connection's policy; without keys nothing is probed
	control aws.Credentials // under a policy that denies everything; without keys there is no control

	sample string                  // a resource's name, for a connection that is for all of a kind
	tables map[string]*probe.Table // by name; nil for one that could not be described
	known  map[string]probe.Known  // by bucket and prefix

	made, unproven int
}

// probe tries one requirement out; needed is false if it turns out not to be one.
func (l *live) probe(ctx context.Context, r requirement) (o Observation, needed bool) {
	o = Observation{Source: SourceProbe, Verdict: verdict.Unknown}
	t, ok := l.target(r)
	switch {
	case !l.with.HasKeys():
		o.Detail = "There are no credentials to probe with."
		return o, true
	case t == nil:
		return o, ok
	}
	result := l.prober.Probe(ctx, l.with, *t)
	l.made++
	o.Verdict, o.Request, o.Status, o.Code = result.Verdict, result.Request, result.Status, result.Code
	o.RequestID, o.Cause, o.Detail = result.RequestID, result.Denial.Cause, result.Why
	if result.Verdict == verdict.Allowed && l.control.HasKeys() {
		if again := l.prober.Probe(ctx, l.control, *t); again.Verdict == verdict.Allowed {
			o.Verdict, o.Detail = verdict.Unknown, "The same answer came under a policy that denies everything, so it proves nothing."
		}
	}
	if !o.Verdict.Definite() {
		l.unproven++
	}
	l.learn(r, *t, result, o.Verdict)
	return o, true
}

// target completes what to probe; nil if there is nothing to, and ok false then if nothing is needed either.
func (l *live) target(r requirement) (t *probe.Target, ok bool) {
	target := r.target
	if r.every {
		if l.sample == "" {
			return nil, true
		}
		switch {
		case target.Table != "":
			target.Table = l.sample
		case target.Bucket != "":
			target.Bucket = l.sample
		default:
			target.Function = l.sample
		}
	}
	if table := l.tables[target.Table]; table != nil {
		target.Keys = &table.Keys
		if r.index && len(table.Indexes) == 0 {
			return nil, false
		}
		if r.index {
			target.Index = &table.Indexes[0]
		}
	}
	target.Known = l.known[target.Bucket+"/"+target.Prefix]
	return &target, true
}

// learn keeps what later probes go by.
func (l *live) learn(r requirement, t probe.Target, result probe.Result, v verdict.Verdict) {
	if isListingOf(r) {
		l.sample = result.Sample
	}
	if v != verdict.Allowed {
		return
	}
	at := t.Bucket + "/" + t.Prefix
	known := l.known[at]
	switch r.action {
	case "dynamodb:DescribeTable":
		l.tables[t.Table] = result.Table
	case "s3:ListBucket":
		// S3 answers for missing keys by what may be listed of the whole bucket.
		known.MayList, known.Key = t.Prefix == "", result.Sample
	case "s3:GetObject":
		known.MayGet = true
	}
	l.known[at] = known
}

func isListingOf(r requirement) bool { return r.resource == "*" }

// permissions finds out for all connections what is allowed, what several need once.
func (a *Auditor) permissions(ctx context.Context, s subject, w *work) []Permission {
	var out []Permission
	at := map[string]int{}
	for _, c := range s.connections {
		l := &live{
			prober: a.prober, with: w.credentials[c.Name], control: w.control,
			tables: map[string]*probe.Table{}, known: map[string]probe.Known{},
		}
		for _, r := range s.requirements(c) {
			if i, known := at[r.key()]; known && !shapes(r) {
				out[i].Connections = append(out[i].Connections, c.Name)
				continue
			}
			observed, needed := l.probe(ctx, r)
			if !needed {
				continue
			}
			if i, known := at[r.key()]; known {
				out[i].Connections = append(out[i].Connections, c.Name)
				continue
			}
			at[r.key()] = len(out)
			out = append(out, reconcile(r, s.offline(w.identity, r), observed))
		}
		w.coverage.Probes += l.made
		w.coverage.Unproven += l.unproven
	}
	return out
}

// shapes reports whether what a probe of r shows decides how others of the same connection are made.
func shapes(r requirement) bool { return r.order() < 3 }

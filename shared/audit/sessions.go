package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
)

// session is what a set of credentials is made for: the connections whose policies together fit into one.
type session struct {
	policy      string
	connections []registry.Connection
}

// sessions groups connections into as few session policies as hold them, the longest first.
func sessions(connections []registry.Connection) []session {
	byLength := slices.SortedStableFunc(slices.Values(connections), func(a, b registry.Connection) int {
		return len(b.Policy) - len(a.Policy)
	})
	var out []session
	for _, c := range byLength {
		placed := false
		for i := range out {
			if joined, ok := join(out[i].policy, c.Policy); ok {
				out[i].policy, placed = joined, true
				out[i].connections = append(out[i].connections, c)
				break
			}
		}
		if !placed {
			out = append(out, session{c.Policy, []registry.Connection{c}})
		}
	}
	return out
}

// roomForTags is what a joined policy leaves of the limit: tags count into the packed size too (traps.md 7), and a set that
// can't be packed costs another call.
const roomForTags = 256

// join returns a session policy that allows what either of two does, if it is short enough.
func join(a, b string) (string, bool) {
	first, err := readText(a)
	if err != nil {
		return "", false
	}
	second, err := readText(b)
	if err != nil {
		return "", false
	}
	joined := first.with(second).line()
	return joined, len(joined) <= permissions.MaxPolicyLength-roomForTags
}

// mint makes the sets of credentials: one for the reads of IAM, which a user's own keys make themselves, and one for each
// group of connections. A group whose policy AWS can't pack is made again one by one (traps.md 7).
func (a *Auditor) mint(ctx context.Context, run *run, s subject, w *work) error {
	if s.isUser() {
		keys, err := a.minter.LongLived(ctx, run.provider)
		if err != nil {
			return fmt.Errorf("open access keys: %w", err)
		}
		w.reading = keys
	} else {
		made, err := a.mintOne(ctx, run, w, readPolicy(s))
		if err != nil {
			return err
		}
		w.reading = made
	}
	if run.result.Status == registry.Unusable {
		return nil // sessions can't be made of it
	}
	groups := sessions(s.connections)
	for len(groups) > 0 {
		group := groups[0]
		groups = groups[1:]
		made, err := a.mintOne(ctx, run, w, group.policy)
		if errors.Is(err, credentials.ErrPolicyTooLarge) {
			groups = append(groups, group.apart()...)
			continue
		}
		if err != nil {
			return err
		}
		for _, c := range group.connections {
			w.credentials[c.Name] = made
		}
	}
	return nil
}

// apart returns a session for each of the connections; none for one alone, which can't be had then.
func (s session) apart() []session {
	if len(s.connections) < 2 {
		return nil
	}
	var out []session
	for _, c := range s.connections {
		out = append(out, session{c.Policy, []registry.Connection{c}})
	}
	return out
}

// mintOne makes one set. That AWS refuses it is no error but leaves it without keys.
func (a *Auditor) mintOne(ctx context.Context, run *run, w *work, policyText string) (aws.Credentials, error) {
	w.coverage.Sets++
	made, err := a.minter.Mint(ctx, credentials.Request{
		Caller: caller.Audit(run.provider.Site),
		Opened: &registry.Opened{
			Connection: registry.Connection{Site: run.provider.Site, Name: caller.AuditUser, Policy: policyText},
			Provider:   run.provider,
			State:      run.state(),
		},
	})
	switch {
	case errors.Is(err, credentials.ErrPolicyTooLarge):
		return aws.Credentials{}, err
	case errors.Is(err, credentials.ErrUnusable):
		return aws.Credentials{}, nil
	case err != nil:
		return aws.Credentials{}, fmt.Errorf("%w: %w", ErrInconclusive, err)
	}
	return made.AWS(), nil
}

// readPolicy is the session policy of the audit's reads. What is attached isn't known before it is listed, so policies of any
// name may be read; the role's own rights decide.
func readPolicy(s subject) string {
	reads := s.reads(nil)
	reads = append(reads, policy.Statement{
		Effect: policy.Allow, Actions: []string{"iam:GetPolicy", "iam:GetPolicyVersion"},
		Resources: []string{"arn:" + s.partition + ":iam::*:policy/*"},
	})
	return writeStatements(reads...)
}

package audit

import (
	"context"
	"fmt"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/awsclient"
)

// read reads the identity's policies, with credentials that can do nothing else.
func (a *Auditor) read(ctx context.Context, run *run, s subject, w *work) error {
	if !w.reading.HasKeys() {
		return nil
	}
	client, err := a.clients.IAM(a.options.Region)
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	ctx = awsclient.WithCredentials(ctx, w.reading)
	if s.isUser() {
		w.identity, err = identity.User(ctx, client, s.arn, run.provider.AccessKeyID)
	} else {
		w.identity, err = identity.Role(ctx, client, s.arn, s.name)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInconclusive, err)
	}
	w.coverage.Gaps = w.identity.Gaps
	switch {
	case w.identity.Complete():
		w.coverage.Policies = PoliciesRead
	case len(w.identity.Policies) > 0:
		w.coverage.Policies = PoliciesPartly
	}
	if w.identity.Trust != nil {
		reading := trustReader{document: w.identity.Trust, gateway: a.options.GatewayRole, role: s.arn, site: run.provider.Site}.read()
		w.trust, w.coverage.Trust = &reading, true
	}
	return nil
}

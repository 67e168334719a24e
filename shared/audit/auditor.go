package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/probe"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/registry"
)

// Connections is what an audit reads of the registry besides what Verify does; a registry.Store is one.
type Connections interface {
	// ConnectionsOf returns the connections that use a provider.
	ConnectionsOf(ctx context.Context, site, provider string) ([]registry.Connection, error)
}

// Minter makes credentials for a policy, and opens stored keys; a credentials.Minter is one.
type Minter interface {
	Mint(ctx context.Context, r credentials.Request) (credentials.Credentials, error)
	Keys
}

// Clients are the clients of customers' accounts; auditclient.Clients are some.
type Clients interface {
	probe.Clients
	IAM(region string) (*awsiam.Client, error)
}

// AuditOptions of [NewAuditor].
type AuditOptions struct {
	GatewayRole string // ARN of the gateway role, the one principal that trust policies should name
	Region      string // this deployment's; IAM is read through it
	// LocalAWS is the address of the local AWS where this runs on one, else empty. Probes that could write are sent only
	// there and to AWS: set it from nothing but the knowledge that a local AWS was started there.
	LocalAWS string
}

// Auditor audits providers. Safe for concurrent use.
type Auditor struct {
	verifier    *Verifier
	connections Connections
	minter      Minter
	clients     Clients
	prober      *probe.Prober
	options     AuditOptions
}

// NewAuditor returns an Auditor. It does no I/O.
func NewAuditor(verifier *Verifier, connections Connections, minter Minter, clients Clients, o AuditOptions) *Auditor {
	return &Auditor{
		verifier: verifier, connections: connections, minter: minter, clients: clients,
		prober: probe.New(clients, o.LocalAWS), options: o,
	}
}

// keyAge is from when on an access key should have been rotated.
const keyAge = 90 * 24 * time.Hour

// work is what one audit has found out so far.
type work struct {
	reading     aws.Credentials // for IAM; without keys it is not read
	control     aws.Credentials
	credentials map[string]aws.Credentials // by connection
	identity    *identity.Identity         // nil if nothing was read
	trust       *trustReading              // nil if it was not read
	coverage    Coverage
}

// Audit finds out what the site's provider grants, to whom, and how that compares with what its connections need. It verifies
// the provider first, and stores that as [Verifier.Verify] does. previous is the report of the audit before, nil if there is
// none.
//
// It changes nothing in the customer's account. It returns an error wrapping registry.ErrNotFound, [ErrAwaitingRole] or
// [ErrInconclusive]; then nothing was found, and the audit before still stands.
func (a *Auditor) Audit(ctx context.Context, site, provider string, previous *Report) (Report, error) {
	report := Report{Version: ReportVersion, ID: randomSite(), Site: site, Provider: provider, StartedAt: time.Now().UTC()}
	run, err := a.verifier.run(ctx, site, provider)
	if err != nil {
		return Report{}, fmt.Errorf("audit provider: %w", err)
	}
	s := a.subject(run)
	if s.connections, err = a.connections.ConnectionsOf(ctx, site, provider); err != nil {
		return Report{}, fmt.Errorf("audit provider: %w", err)
	}
	w := &work{control: run.control, credentials: map[string]aws.Credentials{}, coverage: Coverage{Policies: PoliciesNotRead, Limits: limits()}}
	report.Permissions = []Permission{}
	if run.gotIn() {
		if err := a.look(ctx, run, s, w, &report); err != nil {
			return Report{}, fmt.Errorf("audit provider: %w", err)
		}
	}
	w.coverage.STSCalls = run.result.Calls + w.coverage.Sets
	if err := a.conclude(run, s, w, previous, &report); err != nil {
		return Report{}, fmt.Errorf("audit provider: %w", err)
	}
	return report, nil
}

// gotIn reports whether verify made sessions of the role, or was let in with the keys of a user: only then there is more to
// look at.
func (r *run) gotIn() bool {
	if r.provider.Method == registry.AccessKeys {
		return r.caller != "" && r.verdictOf(CheckNotRoot) == Passed
	}
	return r.verdictOf(CheckAssume) == Passed
}

func (r *run) verdictOf(check string) Verdict {
	for _, c := range r.result.Checks {
		if c.Name == check {
			return c.Verdict
		}
	}
	return Skipped
}

// subject is who the audit is about.
func (a *Auditor) subject(run *run) subject {
	s := subject{method: run.provider.Method, arn: run.provider.RoleARN, partition: a.verifier.options.Partition}
	if s.isUser() {
		s.arn = run.caller
	}
	parsed := parseARN(s.arn)
	s.name, s.account = parsed.name(), parsed.account
	if s.account == "" {
		s.account = run.result.Account
	}
	return s
}

// look reads what is granted and tries out what is needed.
func (a *Auditor) look(ctx context.Context, run *run, s subject, w *work, report *Report) error {
	if err := a.mint(ctx, run, s, w); err != nil {
		return err
	}
	if err := a.read(ctx, run, s, w); err != nil {
		return err
	}
	w.coverage.Control = w.control.HasKeys()
	report.Permissions = a.permissions(ctx, s, w)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrInconclusive, err)
	}
	report.Effective = effective(w.identity)
	return nil
}

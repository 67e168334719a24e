// Package sts is the STS of the local AWS: it makes temporary credentials under the rules that AWS
// documents, and knows who is behind them.
//
// Source: "AWS STS API Reference" and, in the IAM User Guide, "Compare AWS STS credentials", "Pass
// session tags in AWS STS" and "Monitor and control actions taken with assumed roles".
package sts

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/iam"
	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Namespace is the XML namespace of STS's answers.
const Namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// keptAfterExpiry is how long an expired session is still told from an unknown one.
const keptAfterExpiry = 24 * time.Hour

// Service makes and knows sessions. Safe for concurrent use.
type Service struct {
	iam  *iam.Service
	now  func() time.Time
	mark string // what session tokens begin with

	mu       sync.RWMutex
	sessions map[string]*session // by access key id
	swept    time.Time
}

// Credentials are what STS hands out.
type Credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time `xml:"-"`
	Expiration      string    // Expires as STS writes it
}

// session is one set of temporary credentials.
type session struct {
	Credentials

	issued         time.Time
	subject        iam.Subject
	name           string // of a role session or a federated user; empty for GetSessionToken
	federated      bool
	chained        bool
	sourceIdentity string
	tags           map[string]string // keys as spelled, inherited ones included
	transitive     []string
	policies       []*policy.Document // session policies; a federated user without any may do nothing
}

// New returns a service without sessions for the identities of an IAM. Session tokens begin with mark.
func New(identities *iam.Service, now func() time.Time, mark string) *Service {
	return &Service{iam: identities, now: now, mark: mark, sessions: make(map[string]*session)}
}

// Lookup returns the temporary credentials with this access key id, expired ones too, and whether there
// are any.
func (s *Service) Lookup(accessKeyID string) (Credentials, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.sessions[accessKeyID]
	if !ok {
		return Credentials{}, false
	}
	return found.Credentials, true
}

// Principal returns who temporary credentials stand for, with the policies in force now. It reports
// false if the role or user behind them is gone.
func (s *Service) Principal(accessKeyID string) (*protocol.Principal, bool) {
	s.mu.RLock()
	found, ok := s.sessions[accessKeyID]
	s.mu.RUnlock()
	if !ok {
		return nil, false
	}
	p, ok := s.iam.SessionPrincipal(found.subject)
	if !ok {
		return nil, false
	}
	found.describe(p)
	return p, true
}

// describe turns the principal behind a session into the session's.
func (e *session) describe(p *protocol.Principal) {
	p.AccessKeyID = e.AccessKeyID
	p.Session, p.Expires = true, e.Expires
	p.SessionName, p.SourceIdentity = e.name, e.sourceIdentity
	p.Federated, p.Chained = e.federated, e.chained
	p.Policies.Session = e.policies
	p.Context["aws:TokenIssueTime"] = []string{e.issued.UTC().Format(time.RFC3339)}
	p.Context["aws:MultiFactorAuthPresent"] = []string{"false"}
	if e.sourceIdentity != "" {
		p.Context["aws:SourceIdentity"] = []string{e.sourceIdentity}
	}
	p.Tags = overlay(p.Tags, e.tags)
	p.TransitiveTags = e.transitive
	switch {
	case e.federated:
		p.ARN = fmt.Sprintf("arn:aws:sts::%s:federated-user/%s", p.Account, e.name)
		p.UserID = p.Account + ":" + e.name
		p.Context["aws:PrincipalArn"] = []string{p.ARN}
		p.Context["aws:PrincipalType"] = []string{"FederatedUser"}
		delete(p.Context, "aws:username")
	case e.subject.Role != "":
		p.ARN = fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", p.Account, e.subject.Role, e.name)
		p.UserID = e.subject.ID + ":" + e.name
	}
	p.Context["aws:userid"] = []string{p.UserID}
}

// overlay sets session tags over the tags of the role or user. Keys are compared without regard to case.
func overlay(under, over map[string]string) map[string]string {
	out := make(map[string]string, len(under)+len(over))
	for key, value := range under {
		if _, hidden := fold(over, key); !hidden {
			out[key] = value
		}
	}
	maps.Copy(out, over)
	return out
}

// fold finds a key in a map without regard to case.
func fold(m map[string]string, key string) (string, bool) {
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

// issue makes the credentials of a session and remembers it.
func (s *Service) issue(e *session, lifetime time.Duration) Credentials {
	now := s.now()
	token := make([]byte, 192)
	_, _ = rand.Read(token) // never fails
	// STS's Expiration has whole seconds; rounding down never promises more than there is.
	expires := now.Add(lifetime).UTC().Truncate(time.Second)
	e.Credentials = Credentials{
		AccessKeyID:     iam.NewID("ASIA"),
		SecretAccessKey: s.iam.NewSecret(),
		SessionToken:    s.mark + base64.StdEncoding.EncodeToString(token)[len(s.mark):],
		Expires:         expires,
		Expiration:      expires.Format("2006-01-02T15:04:05Z"),
	}
	e.issued = now
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	s.sessions[e.AccessKeyID] = e
	return e.Credentials
}

// sweep forgets, once an hour, sessions that expired long ago.
func (s *Service) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Hour {
		return
	}
	s.swept = now
	maps.DeleteFunc(s.sessions, func(_ string, e *session) bool {
		return now.Sub(e.Expires) > keptAfterExpiry
	})
}

// AssumeAsService returns credentials of a role as an AWS service gets them for what it runs, for
// example lambda.amazonaws.com for a function. The role's trust policy must name the service.
func (s *Service) AssumeAsService(service, roleARN, sessionName string) (Credentials, error) {
	return s.AssumeFor(service, "", roleARN, sessionName)
}

// AssumeFor is [Service.AssumeAsService] by a service that says what it acts for: aws:SourceArn, unless it is empty.
func (s *Service) AssumeFor(service, sourceARN, roleARN, sessionName string) (Credentials, error) {
	role, ok := s.iam.Role(roleARN)
	if !ok {
		return Credentials{}, fmt.Errorf("assume role %s for %s: no such role", roleARN, service)
	}
	about := policy.Context{"aws:PrincipalIsAWSService": {"true"}, "aws:SourceAccount": {role.Subject.Account}}
	if sourceARN != "" {
		about["aws:SourceArn"] = []string{sourceARN}
	}
	decision := policy.Evaluate(policy.Request{
		Action:          "sts:AssumeRole",
		Resource:        roleARN,
		Principal:       service,
		ResourceAccount: role.Subject.Account,
		Context:         about,
	}, policy.Policies{Resource: role.Trust})
	if decision.Verdict != policy.Allowed {
		return Credentials{}, fmt.Errorf("assume role %s for %s: the trust policy does not allow it", roleARN, service)
	}
	if !sessionNames.MatchString(sessionName) || len(sessionName) < 2 || len(sessionName) > 64 {
		return Credentials{}, fmt.Errorf("assume role %s for %s: invalid session name", roleARN, service)
	}
	return s.issue(&session{subject: role.Subject, name: sessionName}, role.MaxSession), nil
}

// request is one call with what Resolve has read of it.
type request struct {
	form     url.Values
	role     iam.Role // AssumeRole only; zero if there is no such role
	asked    Requested
	tags     map[string]string // asked for and inherited
	identity string            // source identity, asked for or inherited
	duration time.Duration
}

// Requested is what a call asked for.
type Requested struct {
	RoleARN        string
	SessionName    string // RoleSessionName, or GetFederationToken's Name
	SourceIdentity string
	Tags           map[string]string
	TransitiveTags []string
	Policy         string   // the session policy, as sent
	PolicyARNs     []string // managed session policies
	ExternalID     string
	Duration       time.Duration // zero if none was sent
}

// RequestedBy returns what a call to STS asked for, once Resolve has read it.
func RequestedBy(c *protocol.Call) (Requested, bool) {
	if r, ok := c.State.(*request); ok {
		return r.asked, true
	}
	return Requested{}, false
}

// Resolve names the operation and what must be allowed for it.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	form, err := protocol.ParseQuery(c)
	if err != nil {
		return nil, err
	}
	c.Operation = form.Get("Action")
	r := &request{form: form}
	c.State = r
	switch c.Operation {
	case "AssumeRole":
		return s.resolveAssumeRole(c, r)
	case "GetCallerIdentity":
		return nil, nil
	case "GetSessionToken":
		return nil, r.resolveSessionToken(c)
	case "GetFederationToken":
		return r.resolveFederationToken(c)
	}
	return nil, protocol.UnknownAction(form)
}

// Serve carries out an operation that has been authorized.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	r, ok := c.State.(*request)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	var result any
	var err error
	switch c.Operation {
	case "AssumeRole":
		result, err = s.assumeRole(c, r)
	case "GetCallerIdentity":
		result = callerIdentity{Arn: c.Principal.ARN, UserID: c.Principal.UserID, Account: c.Principal.Account}
	case "GetSessionToken":
		result, err = s.sessionToken(c, r)
	case "GetFederationToken":
		result, err = s.federationToken(c, r)
	default:
		return protocol.UnknownAction(r.form)
	}
	if err != nil {
		return err
	}
	return protocol.WriteQuery(w, c, Namespace, result)
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

package sts

import (
	"fmt"
	"time"

	"github.com/arngate/arngate/shared/localaws/iam"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

// resolveSessionToken reads a GetSessionToken, which needs no permission, only long-lived keys.
func (r *request) resolveSessionToken(c *protocol.Call) error {
	if c.Principal.Session {
		return denied("Cannot call GetSessionToken with session credentials")
	}
	return r.readDuration(standardLifetime(c), maxUserSession)
}

// resolveFederationToken reads a GetFederationToken.
func (r *request) resolveFederationToken(c *protocol.Call) ([]protocol.Access, error) {
	if c.Principal.Session {
		return nil, denied("Cannot call GetFederationToken with session credentials")
	}
	if err := r.readCommon("Name", 32); err != nil {
		return nil, err
	}
	if err := r.readDuration(standardLifetime(c), maxUserSession); err != nil {
		return nil, err
	}
	resource := federatedARN(c.Principal.Account, r.asked.SessionName)
	accesses := []protocol.Access{{
		Action:   "sts:GetFederationToken",
		Resource: resource,
		Context:  tagKeys(r.tags, nil),
	}}
	if len(r.tags) > 0 {
		accesses = append(accesses, protocol.Access{
			Action:   "sts:TagSession",
			Resource: resource,
			Context:  tagKeys(r.tags, nil),
		})
	}
	return accesses, nil
}

// standardLifetime is how long such credentials live when nothing is said.
func standardLifetime(c *protocol.Call) time.Duration {
	if c.Principal.Root {
		return oneHour
	}
	return 12 * oneHour
}

// granted is the lifetime that the caller gets: for the root an hour at most, where asking for more is no
// error.
func (r *request) granted(c *protocol.Call) time.Duration {
	if c.Principal.Root {
		return min(r.duration, oneHour)
	}
	return r.duration
}

type sessionTokenResult struct{ Credentials Credentials }

func (s *Service) sessionToken(c *protocol.Call, r *request) (any, error) {
	subject, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	return sessionTokenResult{s.issue(&session{subject: subject}, r.granted(c))}, nil
}

// caller is the user or root whose long-lived keys signed the call.
func (s *Service) caller(c *protocol.Call) (iam.Subject, error) {
	subject, ok := s.iam.SubjectOf(c.Principal.AccessKeyID)
	if !ok {
		return iam.Subject{}, fmt.Errorf("find owner of access key %s", c.Principal.AccessKeyID)
	}
	return subject, nil
}

type federationResult struct {
	Credentials      Credentials
	FederatedUser    federatedUser
	PackedPolicySize int
	utilization
}

type federatedUser struct {
	FederatedUserID string `xml:"FederatedUserId"`
	Arn             string
}

func (s *Service) federationToken(c *protocol.Call, r *request) (any, error) {
	subject, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	policies, err := s.sessionPolicies(subject.Account, r.asked)
	if err != nil {
		return nil, err
	}
	percent, err := checkPacked(r.asked, r.tags)
	if err != nil {
		return nil, err
	}
	made := s.issue(&session{
		subject:   subject,
		name:      r.asked.SessionName,
		federated: true,
		tags:      r.tags,
		policies:  policies,
	}, r.granted(c))
	return federationResult{
		Credentials: made,
		FederatedUser: federatedUser{
			FederatedUserID: subject.Account + ":" + r.asked.SessionName,
			Arn:             federatedARN(subject.Account, r.asked.SessionName),
		},
		PackedPolicySize: percent,
		utilization:      utilizationOf(made, percent),
	}, nil
}

func federatedARN(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

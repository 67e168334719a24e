package sts

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/iam"
	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// resolveAssumeRole reads an AssumeRole and names what it needs: sts:AssumeRole, and for tags and for a
// source identity, its own or inherited, a permission each. A role that does not exist has no trust
// policy, so that its denial is that of any other (traps.md 8).
func (s *Service) resolveAssumeRole(c *protocol.Call, r *request) ([]protocol.Access, error) {
	if err := r.readAssumeRole(); err != nil {
		return nil, err
	}
	if c.Principal.Root {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	if c.Principal.Federated {
		return nil, denied(notAuthorized(c, "sts:AssumeRole", r.asked.RoleARN))
	}
	if err := r.inherit(c.Principal); err != nil {
		return nil, err
	}
	r.role, _ = s.iam.Role(r.asked.RoleARN)
	assume := r.access(c, "sts:AssumeRole")
	assume.Context["sts:RoleSessionName"] = []string{r.asked.SessionName}
	assume.Context["sts:DurationSeconds"] = []string{strconv.Itoa(int(r.duration / time.Second))}
	if r.asked.ExternalID != "" {
		assume.Context["sts:ExternalId"] = []string{r.asked.ExternalID}
	}
	accesses := []protocol.Access{assume}
	if len(r.tags) > 0 {
		accesses = append(accesses, r.access(c, "sts:TagSession"))
	}
	if r.identity != "" {
		accesses = append(accesses, r.access(c, "sts:SetSourceIdentity"))
	}
	return accesses, nil
}

// readAssumeRole reads and checks the parameters.
func (r *request) readAssumeRole() error {
	r.asked.RoleARN = r.form.Get("RoleArn")
	if err := checkRoleARN(r.asked.RoleARN); err != nil {
		return err
	}
	if err := r.readCommon("RoleSessionName", 64); err != nil {
		return err
	}
	if r.form.Has("ExternalId") {
		r.asked.ExternalID = r.form.Get("ExternalId")
		if err := checkText(r.asked.ExternalID, "externalId", 2, 1224, externalIDs, `[\w+=,.@:\/-]*`); err != nil {
			return err
		}
	}
	if r.form.Has("SourceIdentity") {
		r.asked.SourceIdentity = r.form.Get("SourceIdentity")
		if err := checkText(r.asked.SourceIdentity, "sourceIdentity", 2, 64, sessionNames, `[\w+=,.@-]*`); err != nil {
			return err
		}
	}
	return r.readDuration(oneHour, maxRoleSession)
}

// inherit adds what a role session passes on to the sessions that it makes: its transitive tags, which
// cannot be overridden, and its source identity, which cannot be changed.
func (r *request) inherit(from *protocol.Principal) error {
	r.tags = maps.Clone(r.asked.Tags)
	for _, key := range from.TransitiveTags {
		if _, again := fold(r.asked.Tags, key); again {
			return invalidParameter("One of the specified transitive tag keys can't be set because it conflicts " +
				"with a transitive tag key from the calling session.")
		}
		value, _ := fold(from.Tags, key)
		r.tags[key] = value
	}
	r.identity = r.asked.SourceIdentity
	if from.SourceIdentity == "" {
		return nil
	}
	if r.identity != "" && r.identity != from.SourceIdentity {
		return denied("The source identity of the calling session cannot be changed.")
	}
	r.identity = from.SourceIdentity
	return nil
}

// access is one permission on the role, with the keys that all three have. The ExternalId is not among
// them: it is documented for sts:AssumeRole alone.
func (r *request) access(c *protocol.Call, action string) protocol.Access {
	keys := tagKeys(r.tags, slices.Concat(r.asked.TransitiveTags, c.Principal.TransitiveTags))
	if r.identity != "" {
		keys["sts:SourceIdentity"] = []string{r.identity}
	}
	for _, t := range r.role.Tags {
		keys["aws:ResourceTag/"+t.Key] = []string{t.Value}
		keys["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return protocol.Access{
		Action:           action,
		Resource:         r.asked.RoleARN,
		ResourceAccount:  accountOf(r.asked.RoleARN),
		ResourcePolicy:   r.role.Trust,
		Context:          keys,
		PolicyRequired:   true,
		Undifferentiated: true,
	}
}

// tagKeys are the condition keys that describe session tags.
func tagKeys(tags map[string]string, transitive []string) policy.Context {
	keys := make(policy.Context, len(tags)+3)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		keys["aws:RequestTag/"+key] = []string{tags[key]}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], key)
	}
	if len(transitive) > 0 {
		keys["sts:TransitiveTagKeys"] = transitive
	}
	return keys
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

type assumedRole struct {
	Credentials      Credentials
	AssumedRoleUser  assumedRoleUser
	PackedPolicySize int    `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
	utilization
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

// assumeRole makes the session. Only now, when the caller may assume the role, does it say what is wrong
// with the request in view of the role.
func (s *Service) assumeRole(c *protocol.Call, r *request) (any, error) {
	chained := c.Principal.Session && c.Principal.RoleARN != ""
	if chained && r.duration > oneHour {
		return nil, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if r.duration > r.role.MaxSession {
		return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	policies, err := s.sessionPolicies(r.role.Subject.Account, r.asked)
	if err != nil {
		return nil, err
	}
	percent, err := checkPacked(r.asked, r.tags)
	if err != nil {
		return nil, err
	}
	made := s.issue(&session{
		subject:        r.role.Subject,
		name:           r.asked.SessionName,
		chained:        chained,
		sourceIdentity: r.identity,
		tags:           r.tags,
		transitive:     slices.Concat(c.Principal.TransitiveTags, r.asked.TransitiveTags),
		policies:       policies,
	}, r.duration)
	return assumedRole{
		Credentials:      made,
		AssumedRoleUser:  userOf(r.role.Subject, r.asked.SessionName),
		PackedPolicySize: percent,
		SourceIdentity:   r.identity,
		utilization:      utilizationOf(made, percent),
	}, nil
}

func userOf(subject iam.Subject, sessionName string) assumedRoleUser {
	return assumedRoleUser{
		AssumedRoleID: subject.ID + ":" + sessionName,
		Arn:           fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", subject.Account, subject.Role, sessionName),
	}
}

func denied(message string) *protocol.Error {
	return protocol.NewError(http.StatusForbidden, "AccessDenied", "%s", message)
}

func notAuthorized(c *protocol.Call, action, resource string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", c.Principal.ARN, action, resource)
}

package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxVersions is how many versions a managed policy may have.
const maxVersions = 5

// managedPolicy is a customer's or AWS's managed policy.
type managedPolicy struct {
	arn         string
	name        string
	path        string
	id          string
	description string
	created     time.Time
	updated     time.Time
	versions    []version
	def         string // id of the default version
	last        int    // number of the newest version ever
}

// version is one version of a managed policy.
type version struct {
	document
	id      string
	created time.Time
}

func (p *managedPolicy) key() string { return p.name }

// current is the default version.
func (p *managedPolicy) current() version {
	for _, v := range p.versions {
		if v.id == p.def {
			return v
		}
	}
	return version{}
}

// add makes a document the newest version.
func (p *managedPolicy) add(d document, now time.Time) version {
	p.last++
	v := version{document: d, id: "v" + strconv.Itoa(p.last), created: now}
	p.versions = append([]version{v}, p.versions...)
	p.updated = now
	return v
}

// managedPolicy finds a policy that an account can use: its own, or one of AWS's.
func (s *Service) managedPolicy(a *account, policyARN string) (*managedPolicy, bool) {
	if p, ok := a.policies[policyARN]; ok {
		return p, true
	}
	p, ok := s.managed[policyARN]
	return p, ok
}

func managedOperations() map[string]operation {
	byARN := func(_ *Service, r *request) string { return r.get("PolicyArn") }
	return map[string]operation{
		"CreatePolicy": {
			resource: func(_ *Service, r *request) string {
				return arn(r.account.id, "policy", r.path(), r.get("PolicyName"))
			},
			context: creation,
			run:     (*Service).createPolicy,
		},
		"CreatePolicyVersion":     {resource: byARN, run: (*Service).createPolicyVersion},
		"GetPolicy":               {resource: byARN, run: (*Service).getPolicy},
		"GetPolicyVersion":        {resource: byARN, run: (*Service).getPolicyVersion},
		"SetDefaultPolicyVersion": {resource: byARN, run: (*Service).setDefaultPolicyVersion},
		"ListPolicyVersions":      {resource: byARN, run: (*Service).listPolicyVersions},
		"DeletePolicyVersion":     {resource: byARN, run: (*Service).deletePolicyVersion},
		"DeletePolicy":            {resource: byARN, run: (*Service).deletePolicy},
		"ListPolicies": {
			resource: func(_ *Service, r *request) string { return arn(r.account.id, "policy", "/", "") },
			run:      (*Service).listPolicies,
		},
	}
}

func (s *Service) createPolicy(r *request) (any, error) {
	if err := checkName(r, "PolicyName", 128); err != nil {
		return nil, err
	}
	if err := checkPath(r.path()); err != nil {
		return nil, err
	}
	d, err := managedDocument(r)
	if err != nil {
		return nil, err
	}
	name := r.get("PolicyName")
	for _, other := range r.account.policies {
		if strings.EqualFold(other.name, name) {
			return nil, protocol.NewError(409, "EntityAlreadyExists",
				"A policy called %s already exists. Duplicate names are not allowed.", name)
		}
	}
	now := s.now()
	p := &managedPolicy{
		arn:         arn(r.account.id, "policy", r.path(), name),
		name:        name,
		path:        r.path(),
		id:          NewID("ANPA"),
		description: r.get("Description"),
		created:     now,
	}
	p.def = p.add(d, now).id
	r.account.policies[p.arn] = p
	return struct{ Policy policyShape }{s.policyShape(r.account, p)}, nil
}

// managedDocument reads and measures the document of a managed policy.
func managedDocument(r *request) (document, error) {
	d, err := identityDocument(r.get("PolicyDocument"))
	if err != nil {
		return document{}, err
	}
	if size(d.text) > maxManaged {
		return document{}, limitExceeded("Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return d, nil
}

// policy finds the managed policy that a request names.
func (s *Service) policy(r *request) (*managedPolicy, error) {
	policyARN := r.get("PolicyArn")
	if err := checkPolicyARN(policyARN); err != nil {
		return nil, err
	}
	p, ok := s.managedPolicy(r.account, policyARN)
	if !ok {
		return nil, notFound("Policy %s was not found.", policyARN)
	}
	return p, nil
}

// ownPolicy finds a policy that the account may change.
func (s *Service) ownPolicy(r *request) (*managedPolicy, error) {
	p, err := s.policy(r)
	if err != nil {
		return nil, err
	}
	if _, aws := s.managed[p.arn]; aws {
		return nil, protocol.NewError(403, "AccessDenied", "AWS managed policies cannot be changed.")
	}
	return p, nil
}

func (s *Service) createPolicyVersion(r *request) (any, error) {
	p, err := s.ownPolicy(r)
	if err != nil {
		return nil, err
	}
	d, err := managedDocument(r)
	if err != nil {
		return nil, err
	}
	if len(p.versions) >= maxVersions {
		return nil, limitExceeded("A managed policy can have up to %d versions. "+
			"Before you create a new version, you must delete an existing version.", maxVersions)
	}
	v := p.add(d, s.now())
	if r.get("SetAsDefault") == "true" {
		p.def = v.id
	}
	return struct{ PolicyVersion versionShape }{versionOf(p, v, false)}, nil
}

func (s *Service) getPolicy(r *request) (any, error) {
	p, err := s.policy(r)
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyShape }{s.policyShape(r.account, p)}, nil
}

func (s *Service) getPolicyVersion(r *request) (any, error) {
	p, err := s.policy(r)
	if err != nil {
		return nil, err
	}
	for _, v := range p.versions {
		if v.id == r.get("VersionId") {
			return struct{ PolicyVersion versionShape }{versionOf(p, v, true)}, nil
		}
	}
	return nil, notFound("Policy %s version %s does not exist or is not attachable.", p.arn, r.get("VersionId"))
}

func (s *Service) listPolicyVersions(r *request) (any, error) {
	p, err := s.policy(r)
	if err != nil {
		return nil, err
	}
	shapes := make([]versionShape, 0, len(p.versions))
	for _, v := range p.versions {
		shapes = append(shapes, versionOf(p, v, false))
	}
	items, pg, err := paginate(r, shapes, versionShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Versions []versionShape `xml:"Versions>member"`
		page
	}{items, pg}, nil
}

func (s *Service) setDefaultPolicyVersion(r *request) (any, error) {
	p, err := s.ownPolicy(r)
	if err != nil {
		return nil, err
	}
	id := r.get("VersionId")
	if !slices.ContainsFunc(p.versions, func(v version) bool { return v.id == id }) {
		return nil, notFound("Policy %s version %s does not exist or is not attachable.", p.arn, id)
	}
	p.def, p.updated = id, s.now()
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) deletePolicyVersion(r *request) (any, error) {
	p, err := s.ownPolicy(r)
	if err != nil {
		return nil, err
	}
	id := r.get("VersionId")
	if id == p.def {
		return nil, protocol.NewError(409, "DeleteConflict", "Cannot delete the default version of a policy.")
	}
	at := slices.IndexFunc(p.versions, func(v version) bool { return v.id == id })
	if at < 0 {
		return nil, notFound("Policy %s version %s does not exist or is not attachable.", p.arn, id)
	}
	p.versions = slices.Delete(p.versions, at, at+1)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) deletePolicy(r *request) (any, error) {
	p, err := s.ownPolicy(r)
	if err != nil {
		return nil, err
	}
	if attached, bounding := r.account.usage(p.arn); attached+bounding > 0 {
		return nil, protocol.NewError(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	}
	if len(p.versions) > 1 {
		return nil, protocol.NewError(409, "DeleteConflict",
			"This policy has more than one version. Before you delete a policy, you must delete the policy's versions.")
	}
	delete(r.account.policies, p.arn)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) listPolicies(r *request) (any, error) {
	var all []*managedPolicy
	if scope := r.get("Scope"); scope != "AWS" {
		all = append(all, sortedByName(r.account.policies)...)
	}
	if scope := r.get("Scope"); scope != "Local" {
		all = append(all, sortedByName(s.managed)...)
	}
	var shapes []policyShape
	for _, p := range all {
		shape := s.policyShape(r.account, p)
		if r.get("OnlyAttached") == "true" && shape.AttachmentCount == 0 || !strings.HasPrefix(p.path, r.get("PathPrefix")) {
			continue
		}
		shape.Description = "" // ListPolicies does not tell it
		shapes = append(shapes, shape)
	}
	items, pg, err := paginate(r, shapes, policyShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Policies []policyShape `xml:"Policies>member"`
		page
	}{items, pg}, nil
}

func (s *Service) policyShape(a *account, p *managedPolicy) policyShape {
	attached, bounding := a.usage(p.arn)
	return policyShape{
		PolicyName:                    p.name,
		PolicyID:                      p.id,
		Arn:                           p.arn,
		Path:                          p.path,
		DefaultVersionID:              p.def,
		AttachmentCount:               attached,
		PermissionsBoundaryUsageCount: bounding,
		IsAttachable:                  true,
		Description:                   p.description,
		CreateDate:                    timestamp(p.created),
		UpdateDate:                    timestamp(p.updated),
	}
}

func versionOf(p *managedPolicy, v version, withDocument bool) versionShape {
	shape := versionShape{VersionID: v.id, IsDefaultVersion: v.id == p.def, CreateDate: timestamp(v.created)}
	if withDocument {
		shape.Document = encoded(v.text)
	}
	return shape
}

// usage counts the identities that a policy is attached to, and those that it bounds.
func (a *account) usage(policyARN string) (attached, bounding int) {
	count := func(i *identity) {
		if slices.Contains(i.attached, policyARN) {
			attached++
		}
		if i.boundary == policyARN {
			bounding++
		}
	}
	for _, u := range a.users {
		count(&u.identity)
	}
	for _, r := range a.roles {
		count(&r.identity)
	}
	for _, g := range a.groups {
		count(&g.identity)
	}
	return attached, bounding
}

// awsManaged are the few of AWS's own policies that are here. ReadOnlyAccess holds only the services of
// the local AWS.
func awsManaged(now time.Time) map[string]*managedPolicy {
	const version = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":"*"}]}`
	actions := map[string]string{
		"AdministratorAccess":                      `"*"`,
		"ReadOnlyAccess":                           `["dynamodb:BatchGet*","dynamodb:Describe*","dynamodb:Get*","dynamodb:List*","dynamodb:Query","dynamodb:Scan","iam:Get*","iam:List*","kms:Describe*","kms:Get*","kms:List*","lambda:Get*","lambda:List*","s3:Get*","s3:List*"]`,
		"AmazonS3FullAccess":                       `"s3:*"`,
		"AmazonS3ReadOnlyAccess":                   `["s3:Get*","s3:List*"]`,
		"AmazonDynamoDBFullAccess":                 `"dynamodb:*"`,
		"AmazonDynamoDBReadOnlyAccess":             `["dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:GetItem","dynamodb:List*","dynamodb:Query","dynamodb:Scan"]`,
		"AWSLambda_FullAccess":                     `"lambda:*"`,
		"IAMFullAccess":                            `"iam:*"`,
		"IAMReadOnlyAccess":                        `["iam:Get*","iam:List*"]`,
		"service-role/AWSLambdaBasicExecutionRole": `["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]`,
	}
	out := make(map[string]*managedPolicy, len(actions))
	for name, list := range actions {
		text := fmt.Sprintf(version, list)
		parsed, err := policy.Parse([]byte(text))
		if err != nil {
			parsed = &policy.Document{} // a slip in the table above grants nothing, and a test says so
		}
		slash := strings.LastIndexByte(name, '/') + 1
		p := &managedPolicy{
			arn:     "arn:aws:iam::aws:policy/" + name,
			name:    name[slash:],
			path:    "/" + name[:slash],
			id:      NewID("ANPA"),
			created: now,
		}
		p.def = p.add(document{text: text, parsed: parsed}, now).id
		out[p.arn] = p
	}
	return out
}

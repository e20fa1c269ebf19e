"""What each kind of visitor may do, in one table: every address and every method. Checked by test_authorization.

A line: the name of the pattern, its address, a method, and the response to each visitor. A line without a name belongs
to the pattern above it. Words in braces are replaced by those of tests.authorization_objects. The responses:

    200, 302, 403, 404, 405 …   this status
    in                          a redirect to the sign-in page, and from there back to the same page
    up                          200 or 503: the state of a server, the same for all

Alice owns all objects of the table: a post for her connections, with a document and a comment of hers that has a reply;
a position on her profile; an invitation to her, one by her, and a block. The connection is connected to her, the
stranger is not; the moderator and the staff member are strangers, too, and the suspended member still has a session.
Links from mails work without signing in; the confirmation below belongs to a new account.
"""

VISITORS = ("anonymous", "stranger", "connection", "owner", "moderator", "staff", "suspended")

TABLE = """
# -- Posts, comments, reactions
# pattern                            address                                         anon strn conn ownr modr staf susp
feed:home                            /                                         GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
feed:publish                         /posts/                                   GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
feed:post                            /posts/{post}/                            GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:edit                            /posts/{post}/edit/                       GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
feed:delete                          /posts/{post}/delete/                     GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
feed:history                         /posts/{post}/history/                    GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:document                        /posts/{post}/document/                   GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:picture                         /posts/{post}/pictures/{image}/           GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:react                           /posts/{post}/react/                      GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
feed:unreact                         /posts/{post}/unreact/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
feed:reactions                       /posts/{post}/reactions/                  GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:save                            /posts/{post}/save/                       GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
feed:unsave                          /posts/{post}/unsave/                     GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
feed:repost                          /posts/{post}/repost/                     GET   in   404  200  200  404  404  in
                                                                               POST  in   404  422  422  404  404  in
feed:inline_comments                 /posts/{post}/comments/                   GET   404  404  302  302  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:comment                         /posts/{post}/comment/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
feed:replies                         /comments/{comment}/replies/              GET   404  404  200  200  404  404  404
                                                                               POST  405  405  405  405  405  405  405
feed:edit_comment                    /comments/{comment}/edit/                 GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
feed:delete_comment                  /comments/{comment}/delete/               GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
feed:saved                           /saved/                                   GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
feed:tag                             /tags/circle/                             GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
feed:by_member                       /members/alice/posts/                     GET   404  200  200  200  200  200  404
                                                                               POST  405  405  405  405  405  405  405

# -- Accounts (allauth)
# pattern                            address                                         anon strn conn ownr modr staf susp
account_signup                       /accounts/signup/                         GET   200  302  302  302  302  302  200
                                                                               POST  200  302  302  302  302  302  200
account_confirm_email                /accounts/confirm-email/{confirmation}/   GET   200  200  200  200  200  200  200
                                                                               POST  302  302  302  302  302  302  302
account_login                        /accounts/login/                          GET   200  302  302  302  302  302  200
                                                                               POST  200  302  302  302  302  302  200
account_logout                       /accounts/logout/                         GET   302  200  200  200  200  200  302
                                                                               POST  302  302  302  302  302  302  302
account_inactive                     /accounts/inactive/                       GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
account_reauthenticate               /accounts/reauthenticate/                 GET   in   200  200  200  200  200  in
                                                                               POST  in   200  200  200  200  200  in
account_email                        /accounts/email/                          GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
account_restore_address              /accounts/email/restore/no-token/         GET   200  200  200  200  200  200  200
                                                                               POST  200  200  200  200  200  200  200
account_send_check                   /accounts/email/check/                    GET   405  405  405  405  405  405  405
                                                                               POST  in   302  302  302  302  302  in
account_check_address                /accounts/email/check/no-token/           GET   200  200  200  200  200  200  200
                                                                               POST  200  200  200  200  200  200  200
account_email_verification_sent      /accounts/confirm-email/                  GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
account_change_password              /accounts/password/change/                GET   in   200  200  200  200  200  in
                                                                               POST  in   200  200  200  200  200  in
account_set_password                 /accounts/password/set/                   GET   in   302  302  302  302  302  in
                                                                               POST  in   302  302  302  302  302  in
account_reset_password               /accounts/password/reset/                 GET   200  200  200  200  200  200  200
                                                                               POST  200  200  200  200  200  200  200
account_reset_password_done          /accounts/password/reset/done/            GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
account_reset_password_from_key      /accounts/password/reset/key/1-x/         GET   200  200  200  200  200  200  200
                                                                               POST  200  200  200  200  200  200  200
account_reset_password_from_key_done /accounts/password/reset/key/done/        GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
account_confirm_login_code           /accounts/login/code/confirm/             GET   302  302  302  302  302  302  302
                                                                               POST  302  302  302  302  302  302  302

# -- My settings
# pattern                            address                                         anon strn conn ownr modr staf susp
users:settings                       /settings/                                GET   in   302  302  302  302  302  in
                                                                               POST  in   405  405  405  405  405  in
users:profile                        /settings/profile/                        GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:photo                          /settings/photo/                          GET   in   200  200  200  200  200  in
                                                                               POST  in   422  422  422  422  422  in
users:remove_photo                   /settings/photo/remove/                   GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
users:cover                          /settings/cover/                          GET   in   405  405  405  405  405  in
                                                                               POST  in   422  422  422  422  422  in
users:remove_cover                   /settings/cover/remove/                   GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
users:privacy                        /settings/privacy/                        GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:next_step                      /settings/next-step/                      GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
users:experience                     /settings/experience/                     GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:education                      /settings/education/                      GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:skills                         /settings/skills/                         GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:links                          /settings/links/                          GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
users:entry                          /settings/experience/{position}/          GET   in   404  404  200  404  404  in
                                                                               POST  in   404  404  302  404  404  in
users:delete_entry                   /settings/experience/{position}/delete/   GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in

# -- Others
# pattern                            address                                         anon strn conn ownr modr staf susp
network:directory                    /members/                                 GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:member                       /members/alice/                           GET   in   200  200  200  200  200  in
                                                                               POST  405  405  405  405  405  405  405
network:invite                       /members/alice/invite/                    GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
network:disconnect                   /members/alice/disconnect/                GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
network:follow                       /members/alice/follow/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
network:unfollow                     /members/alice/unfollow/                  GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
network:block                        /members/alice/block/                     GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
network:unblock                      /members/foe/unblock/                     GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in
network:overview                     /network/                                 GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:sent                         /network/sent/                            GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:connections                  /network/connections/                     GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:following                    /network/following/                       GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:blocked                      /network/blocked/                         GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:suggested                    /network/suggested/                       GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
network:accept                       /network/invitations/{got}/accept/        GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in
network:ignore                       /network/invitations/{got}/ignore/        GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in
network:withdraw                     /network/invitations/{sent}/withdraw/     GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in

# -- Notifications
# pattern                            address                                         anon strn conn ownr modr staf susp
notifications:page                   /notifications/                              GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
notifications:read_all               /notifications/read/                         GET   in   405  405  405  405  405  in
                                                                               POST  in   302  302  302  302  302  in
notifications:unread                 /notifications/unread/                       GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
notifications:preferences            /notifications/preferences/                  GET   in   200  200  200  200  200  in
                                                                               POST  in   302  302  302  302  302  in
notifications:unsubscribe            /notifications/unsubscribe/{stop}/          GET   200  200  200  200  200  200  200
                                                                               POST  200  200  200  200  200  200  200
notifications:follow                 /notifications/{news}/                       GET   in   404  404  302  404  404  in
                                                                               POST  in   405  405  405  405  405  in
notifications:read                   /notifications/{news}/read/                  GET   in   405  405  405  405  405  in
                                                                               POST  in   404  404  302  404  404  in

# -- Conversations: of two, Alice and the connection; the group of Alice also has Dora in it
# pattern                            address                                         anon strn conn ownr modr staf susp
messaging:inbox                      /messages/                                GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
messaging:new                        /messages/new/                            GET   in   200  200  200  200  200  in
                                                                               POST  in   422  302  422  422  422  in
messaging:poll                       /messages/news/                           GET   in   200  200  200  200  200  in
                                                                               POST  in   405  405  405  405  405  in
messaging:to                         /messages/to/alice/                       GET   in   200  302  404  200  200  in
                                                                               POST  in   302  302  404  302  302  in
messaging:conversation               /messages/{talk}/                         GET   in   404  200  200  404  404  in
                                                                               POST  in   405  405  405  405  405  in
messaging:send                       /messages/{talk}/send/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:since                      /messages/{talk}/since/0/                 GET   in   404  200  200  404  404  in
                                                                               POST  in   405  405  405  405  405  in
messaging:search                     /messages/{talk}/search/                  GET   in   404  200  200  404  404  in
                                                                               POST  in   405  405  405  405  405  in
messaging:attachment                 /messages/{talk}/files/{file}/            GET   in   404  200  200  404  404  in
                                                                               POST  in   405  405  405  405  405  in
messaging:cursors                    /messages/{talk}/cursors/                 GET   in   405  405  405  405  405  in
                                                                               POST  in   404  204  204  404  404  in
messaging:edit                       /messages/{talk}/entries/{said}/edit/     GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
messaging:delete                     /messages/{talk}/entries/{said}/delete/   GET   in   404  403  200  404  404  in
                                                                               POST  in   404  403  302  404  404  in
messaging:about                      /messages/{group}/about/                  GET   in   404  200  200  404  404  in
                                                                               POST  in   405  405  405  405  405  in
messaging:rename                     /messages/{group}/rename/                 GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:add                        /messages/{group}/add/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   404  422  302  404  404  in
messaging:remove                     /messages/{group}/remove/                 GET   in   405  405  405  405  405  in
                                                                               POST  in   404  403  302  404  404  in
messaging:leave                      /messages/{group}/leave/                  GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:mute                       /messages/{talk}/mute/                    GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:unmute                     /messages/{talk}/unmute/                  GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:accept                     /messages/{talk}/accept/                  GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in
messaging:decline                    /messages/{talk}/decline/                 GET   in   405  405  405  405  405  in
                                                                               POST  in   404  302  302  404  404  in

# -- Uploads and monitors
# pattern                            address                                         anon strn conn ownr modr staf susp
media                                /media/{picture}                          GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
media                                /media/{private}                          GET   404  404  404  404  404  404  404
                                                                               POST  405  405  405  405  405  405  405
health                               /health/                                  GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
health_db                            /health/db/                               GET   up   up   up   up   up   up   up
                                                                               POST  405  405  405  405  405  405  405
health_redis                         /health/redis/                            GET   up   up   up   up   up   up   up
                                                                               POST  405  405  405  405  405  405  405
readiness                            /readiness/                               GET   up   up   up   up   up   up   up
                                                                               POST  405  405  405  405  405  405  405
mail_reports_mailgun                 /mail-reports/mailgun/                     GET   405  405  405  405  405  405  405
                                                                               POST  404  404  404  404  404  404  404
mail_reports_sendgrid                /mail-reports/sendgrid/                    GET   405  405  405  405  405  405  405
                                                                               POST  404  404  404  404  404  404  404
security_txt                         /.well-known/security.txt                 GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
change_password                      /.well-known/change-password              GET   302  302  302  302  302  302  302
                                                                               POST  405  405  405  405  405  405  405
robots_txt                           /robots.txt                               GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
favicon                              /favicon.ico                              GET   200  200  200  200  200  200  200
                                                                               POST  405  405  405  405  405  405  405
metrics                              /metrics                                  GET   404  404  404  404  404  404  404
                                                                               POST  404  404  404  404  404  404  404
"""

# The data of a POST, where an empty one would be refused for all.
FORMS: dict[str, dict[str, str]] = {
    "feed:publish": {"text": "Hello", "audience": "1"},
    "feed:edit": {"text": "Changed", "audience": "2"},
    "feed:react": {"kind": "like"},
    "feed:repost": {"text": "Look", "audience": "1"},
    "feed:comment": {"text": "Well said"},
    "feed:edit_comment": {"text": "Better said"},
    "users:profile": {"name": "Somebody"},
    "users:privacy": {
        "presence_audience": "1",
        **{f"{part}_audience": "1" for part in ("page", "photo", "location", "open_to_work", "about")},
        **{f"{part}_audience": "1" for part in ("experience", "education", "skills", "links")},
    },
    "users:skills": {"name": "Patience"},
    "users:links": {"label": "Site", "url": "https://example.org/"},
    "users:education": {"school": "Somewhere", "start_year": "2001"},
    "users:experience": {"title": "Baker", "employer": "Bakery", "start_0": "1", "start_1": "2001"},
    "users:entry": {"title": "Baker", "employer": "Bakery", "start_0": "1", "start_1": "2001"},
    "network:invite": {"note": "Hello"},
    "messaging:new": {"to": "alice", "text": "Hello"},
    "messaging:to": {"text": "Hello"},
    "messaging:send": {"text": "Hello"},
    "messaging:edit": {"text": "Better said"},
    "messaging:rename": {"title": "Harbours"},
    "messaging:add": {"to": "dora"},
    "messaging:remove": {"membership": "{dora}"},
}

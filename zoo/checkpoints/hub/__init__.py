"""The Hugging Face Hub: checkpoints by the name `hub:ORG/NAME[@REVISION]`, verified before they are ever opened.

Of a commit that is known and in the cache, nothing of the client is imported but the names of its folders.
"""

from zoo.checkpoints.hub.endpoint import require_address

require_address()

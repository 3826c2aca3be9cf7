"""The public files of the usual datasets, checked before they are trusted; nothing is downloaded or unpickled.

Without a path a reader of a named dataset looks where ``dlq datasets show NAME`` says.
"""

from dlq.datasets.files.cars3d import cars3d as cars3d
from dlq.datasets.files.celeba import celeba as celeba
from dlq.datasets.files.cifar10 import cifar10 as cifar10
from dlq.datasets.files.dsprites import dsprites as dsprites
from dlq.datasets.files.face_folders import celeba_hq as celeba_hq
from dlq.datasets.files.face_folders import faceforensics as faceforensics
from dlq.datasets.files.face_folders import ffhq as ffhq
from dlq.datasets.files.face_folders import vggface2 as vggface2
from dlq.datasets.files.idx import fashion_mnist as fashion_mnist
from dlq.datasets.files.idx import kmnist as kmnist
from dlq.datasets.files.idx import mnist as mnist
from dlq.datasets.files.image_folder import has_classes as has_classes
from dlq.datasets.files.image_folder import image_folder as image_folder
from dlq.datasets.files.mpi3d import mpi3d as mpi3d
from dlq.datasets.files.nvidia import falcor3d as falcor3d
from dlq.datasets.files.nvidia import isaac3d as isaac3d
from dlq.datasets.files.shapes3d import shapes3d as shapes3d
from dlq.datasets.files.smallnorb import smallnorb as smallnorb
from dlq.datasets.files.swap_folder import swap_folder as swap_folder
